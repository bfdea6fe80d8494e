#pragma once

#include <string_view>
#include <vector>

#include "core/query.h"
#include "core/result.h"

// Files that people keep about places and machines: what they say, and how they change what is
// known.
namespace haidang::server {

// What a file says. `dated` where it has the column valid_from and is the whole history; else it
// says what holds now.
template <typename Row>
struct PlaceFile {
  bool dated = false;
  std::vector<Row> rows;  // valid_to_ms set where a later row of the same key follows
};

// code,name,level,parent_code[,valid_from[,valid_to]]; further columns are ignored. Refused, with
// the line: missing columns, a code twice (at one time), a parent that does not exist, a place
// within itself.
Result<PlaceFile<query::Site>> ParseSites(std::string_view csv);

// machine,site,class[,serves][,valid_from[,valid_to]]; `serves`: journeys whose system the machine
// is part of, or services behind one, separated by ;.
Result<PlaceFile<query::Placement>> ParseInventory(std::string_view csv);

// `known` after a file was read at `now_ms`. A dated file replaces all. An undated one closes at
// `now_ms` what it no longer says and opens what is new; on the first import everything is valid
// from ever. The result is sorted; the same file twice changes nothing.
std::vector<query::Site> Merge(const std::vector<query::Site>& known,
                               const PlaceFile<query::Site>& file, int64_t now_ms);
std::vector<query::Placement> Merge(const std::vector<query::Placement>& known,
                                    const PlaceFile<query::Placement>& file, int64_t now_ms);

// Those valid at `now_ms`.
std::vector<query::Site> ValidAt(const std::vector<query::Site>& sites, int64_t now_ms);

// Milliseconds of midnight in Viet Nam (UTC+7, no summer time) at the start of "2025-07-01".
Result<int64_t> ParseDay(std::string_view day);

}  // namespace haidang::server
