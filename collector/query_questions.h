#pragma once

#include "collector/instant.h"
#include "collector/store/query/question.h"
#include "core/io/http/request.h"
#include "core/result.h"

// The parameters of the questions about series (docs/queries.md). An Error names the parameter,
// says what is wrong with it and what is allowed.
namespace haidang::collector {

// GET /query/v1/range
Result<store::RangeQuestion> ParseRangeQuestion(const http::Request& request);
// GET /query/v1/last
Result<store::LastQuestion> ParseLastQuestion(const http::Request& request);
// GET /query/v1/now
Result<InstantQuestion> ParseInstantQuestion(const http::Request& request);

}  // namespace haidang::collector
