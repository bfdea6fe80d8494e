#pragma once

#include <chrono>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "agent/journey/secrets.h"
#include "agent/journey/take.h"
#include "agent/journey/template.h"
#include "agent/probe/probe.h"
#include "core/config.h"

namespace haidang::agent {

using NamedTemplates = std::vector<std::pair<std::string, Template>>;

// One step of a journey. `rules` is its request without what is filled in at each walk: URL, body,
// headers.
struct StepOptions {
  ProbeOptions rules;
  Template url;
  NamedTemplates query;    // values TemplateUse::kQuery
  NamedTemplates headers;  // values TemplateUse::kHeader
  bool has_form = false;
  NamedTemplates form;  // values TemplateUse::kForm
  bool has_json = false;
  Template json;
  std::vector<TakeRule> takes;
  std::vector<JsonExpectation> expectations;
  std::vector<std::string> depends_on;      // services behind the system that this step needs
  std::chrono::milliseconds think_time{0};  // before it; none before the first
};

// A journey through a system, step by step. [[journey]] in the configuration
// (packaging/sample/agent.toml documents each key).
struct JourneyOptions {
  std::string name;
  std::chrono::milliseconds interval{60000};  // between the beginnings of two walks
  bool shared = true;  // a site's machines share it: walked while the collector leases it to us
  std::map<std::string, SecretSource> secrets;  // by name
  std::vector<StepOptions> steps;
};

std::vector<JourneyOptions> ReadJourneyOptions(ConfigTable& root);

// What the files that `journeys` name would make a walk fail with: secrets and certificates. Notes
// faults in `root`; never says what a secret is. Required: `journeys` were read from `root`.
void CheckJourneyFiles(ConfigTable& root, const std::vector<JourneyOptions>& journeys);

// Reads a journey's secrets; $CREDENTIALS_DIRECTORY is where credentials stand.
Result<Secrets> ReadSecrets(const JourneyOptions& journey);

}  // namespace haidang::agent
