#include "core/query_journeys.h"

#include <cmath>
#include <utility>

#include "core/query_json.h"

// Keys are the members' names; what is unknown is null, and reads as well where it is absent.
namespace haidang::query {
namespace {

using nlohmann::json;
using Phases = std::array<std::optional<double>, kStepPhases.size()>;

constexpr size_t kMaxJsonBytes = 64U << 20;  // 200 sites with 20 steps are about 2 MiB

constexpr std::array<std::pair<Culprit, std::string_view>, 6> kCulprits{{
    {Culprit::kUnknown, "unknown"},
    {Culprit::kMachine, "machine"},
    {Culprit::kSite, "site"},
    {Culprit::kLink, "link"},
    {Culprit::kSystem, "system"},
    {Culprit::kService, "service"},
}};
constexpr std::array<std::pair<Certainty, std::string_view>, 3> kCertainties{{
    {Certainty::kUnknown, "unknown"},
    {Certainty::kLikely, "likely"},
    {Certainty::kCertain, "certain"},
}};

template <typename T, size_t N>
std::string_view WordOf(const std::array<std::pair<T, std::string_view>, N>& words, T value) {
  for (const auto& [known, word] : words) {
    if (known == value) return word;
  }
  return words[0].second;
}

template <typename T, size_t N>
std::optional<T> MeaningOf(const std::array<std::pair<T, std::string_view>, N>& words,
                           std::string_view text) {
  for (const auto& [known, word] : words) {
    if (word == text) return known;
  }
  return std::nullopt;
}

json OrNull(const std::optional<double>& value) {
  return value && std::isfinite(*value) ? json(*value) : json(nullptr);
}

json ToJson(const Sentence& sentence) { return {{"vi", sentence.vi}, {"en", sentence.en}}; }

Sentence SentenceFromJson(JsonReader& in) { return {in.TextOr("vi", ""), in.TextOr("en", "")}; }

json ToJson(const Phases& phases) {
  json out = json::object();
  for (size_t i = 0; i < phases.size(); ++i) out[std::string(kStepPhases[i])] = OrNull(phases[i]);
  return out;
}

Phases PhasesFromJson(JsonReader& in) {
  Phases phases;
  for (size_t i = 0; i < phases.size(); ++i) {
    phases[i] = in.OptionalNumber(std::string(kStepPhases[i]).c_str());
  }
  return phases;
}

json ToJson(const StepAtSite& at);
json ToJson(const StepNow& step);
json ToJson(const JourneyTrouble& trouble);
json ToJson(const JourneyLease& lease);
json ToJson(const JourneyLoad& load);
json ToJson(const BurnRate& burn);
json ToJson(const ObjectiveNow& objective);

template <typename T>
json ListJson(const std::vector<T>& list) {
  json out = json::array();
  for (const T& item : list) out.push_back(ToJson(item));
  return out;
}

json ToJson(const StepAtSite& at) {
  return {{"site", at.site},
          {"site_name", at.site_name},
          {"machine", at.machine},
          {"success", at.success ? json(*at.success) : json(nullptr)},
          {"seconds", OrNull(at.seconds)},
          {"usual_seconds", OrNull(at.usual_seconds)},
          {"phases", ToJson(at.phases)},
          {"usual_phases", ToJson(at.usual_phases)},
          {"reason", at.reason},
          {"address", at.address},
          {"slow", at.slow},
          {"at_ms", at.at_ms}};
}

StepAtSite AtSiteFromJson(JsonReader& in) {
  StepAtSite at;
  at.site = in.TextOr("site", "");
  at.site_name = in.TextOr("site_name", "");
  at.machine = in.Text("machine");
  at.success = in.OptionalBool("success");
  at.seconds = in.OptionalNumber("seconds");
  at.usual_seconds = in.OptionalNumber("usual_seconds");
  at.phases = in.Object<Phases>("phases", PhasesFromJson);
  at.usual_phases = in.Object<Phases>("usual_phases", PhasesFromJson);
  at.reason = in.TextOr("reason", "");
  at.address = in.TextOr("address", "");
  at.slow = in.OptionalBool("slow").value_or(false);
  at.at_ms = in.Int("at_ms");
  return at;
}

json ToJson(const StepNow& step) {
  return {{"journey", step.journey},
          {"step", step.step},
          {"depends_on", step.depends_on},
          {"sites", ListJson(step.sites)}};
}

StepNow StepFromJson(JsonReader& in) {
  StepNow step;
  step.journey = in.Text("journey");
  step.step = in.Text("step");
  step.depends_on = in.Texts("depends_on");
  step.sites = in.List<StepAtSite>("sites", AtSiteFromJson);
  return step;
}

json ToJson(const Verdict& verdict) {
  return {{"culprit", ToString(verdict.culprit)},
          {"certainty", ToString(verdict.certainty)},
          {"name", verdict.name},
          {"summary", ToJson(verdict.summary)},
          {"evidence", ListJson(verdict.evidence)}};
}

Verdict VerdictFromJson(JsonReader& in) {
  Verdict verdict;
  const std::string culprit = in.Text("culprit"), certainty = in.Text("certainty");
  if (const auto known = ParseCulprit(culprit)) {
    verdict.culprit = *known;
  } else {
    in.Fault("culprit", "is no such place: \"" + culprit.substr(0, 32) + "\"");
  }
  if (const auto known = ParseCertainty(certainty)) {
    verdict.certainty = *known;
  } else {
    in.Fault("certainty", "is no such word: \"" + certainty.substr(0, 32) + "\"");
  }
  verdict.name = in.TextOr("name", "");
  verdict.summary = in.Object<Sentence>("summary", SentenceFromJson);
  verdict.evidence = in.List<Sentence>("evidence", SentenceFromJson);
  return verdict;
}

json ToJson(const JourneyTrouble& trouble) {
  return {{"journey", trouble.journey},
          {"step", trouble.step},
          {"failing", trouble.failing},
          {"reason", trouble.reason},
          {"since_ms", trouble.since_ms},
          {"sites", trouble.sites},
          {"sites_measured", trouble.sites_measured},
          {"seconds", OrNull(trouble.seconds)},
          {"usual_seconds", OrNull(trouble.usual_seconds)},
          {"verdict", ToJson(trouble.verdict)}};
}

JourneyTrouble TroubleFromJson(JsonReader& in) {
  JourneyTrouble trouble;
  trouble.journey = in.Text("journey");
  trouble.step = in.Text("step");
  trouble.failing = in.OptionalBool("failing").value_or(false);
  trouble.reason = in.TextOr("reason", "");
  trouble.since_ms = in.Int("since_ms");
  trouble.sites = in.Texts("sites");
  trouble.sites_measured = in.Int("sites_measured");
  trouble.seconds = in.OptionalNumber("seconds");
  trouble.usual_seconds = in.OptionalNumber("usual_seconds");
  trouble.verdict = in.Object<Verdict>("verdict", VerdictFromJson);
  return trouble;
}

json ToJson(const JourneyLease& lease) {
  return {{"journey", lease.journey},
          {"site", lease.site},
          {"machine", lease.machine},
          {"interval_seconds", OrNull(lease.interval_seconds)}};
}

JourneyLease LeaseFromJson(JsonReader& in) {
  JourneyLease lease;
  lease.journey = in.Text("journey");
  lease.site = in.TextOr("site", "");
  lease.machine = in.TextOr("machine", "");
  lease.interval_seconds = in.OptionalNumber("interval_seconds").value_or(0);
  return lease;
}

json ToJson(const JourneyLoad& load) {
  return {{"journey", load.journey},
          {"requests_per_second", OrNull(load.requests_per_second)},
          {"allowed_per_second", OrNull(load.allowed_per_second)}};
}

JourneyLoad LoadFromJson(JsonReader& in) {
  JourneyLoad load;
  load.journey = in.Text("journey");
  load.requests_per_second = in.OptionalNumber("requests_per_second").value_or(0);
  load.allowed_per_second = in.OptionalNumber("allowed_per_second").value_or(0);
  return load;
}

json ToJson(const BurnRate& burn) { return {{"window", burn.window}, {"rate", OrNull(burn.rate)}}; }

BurnRate BurnFromJson(JsonReader& in) { return {in.Text("window"), in.OptionalNumber("rate")}; }

json ToJson(const ObjectiveNow& objective) {
  return {{"journey", objective.journey},
          {"step", objective.step},
          {"kind", objective.kind},
          {"target", OrNull(objective.target)},
          {"seconds", OrNull(objective.seconds)},
          {"good_ratio", OrNull(objective.good_ratio)},
          {"budget_left_ratio", OrNull(objective.budget_left_ratio)},
          {"burn", ListJson(objective.burn)},
          {"alarm", objective.alarm}};
}

ObjectiveNow ObjectiveFromJson(JsonReader& in) {
  ObjectiveNow objective;
  objective.journey = in.Text("journey");
  objective.step = in.TextOr("step", "");
  objective.kind = in.Text("kind");
  objective.target = in.OptionalNumber("target").value_or(0);
  objective.seconds = in.OptionalNumber("seconds");
  objective.good_ratio = in.OptionalNumber("good_ratio");
  objective.budget_left_ratio = in.OptionalNumber("budget_left_ratio");
  objective.burn = in.List<BurnRate>("burn", BurnFromJson);
  objective.alarm = in.TextOr("alarm", "");
  return objective;
}

}  // namespace

std::string_view ToString(Culprit culprit) { return WordOf(kCulprits, culprit); }
std::optional<Culprit> ParseCulprit(std::string_view text) { return MeaningOf(kCulprits, text); }
std::string_view ToString(Certainty certainty) { return WordOf(kCertainties, certainty); }
std::optional<Certainty> ParseCertainty(std::string_view text) {
  return MeaningOf(kCertainties, text);
}

std::string EncodeJourneys(const JourneysNow& journeys) {
  return DumpJson({{"now_ms", journeys.now_ms},
                   {"steps", ListJson(journeys.steps)},
                   {"troubles", ListJson(journeys.troubles)},
                   {"leases", ListJson(journeys.leases)},
                   {"loads", ListJson(journeys.loads)},
                   {"objectives", ListJson(journeys.objectives)}});
}

Result<JourneysNow> DecodeJourneys(std::string_view text) {
  const auto document = ParseJsonObject(text, kMaxJsonBytes);
  if (!document) return document.error();
  std::optional<Error> fault;
  JsonReader in(*document, "journeys", &fault);
  JourneysNow journeys;
  journeys.now_ms = in.Int("now_ms");
  journeys.steps = in.List<StepNow>("steps", StepFromJson);
  journeys.troubles = in.List<JourneyTrouble>("troubles", TroubleFromJson);
  journeys.leases = in.List<JourneyLease>("leases", LeaseFromJson);
  journeys.loads = in.List<JourneyLoad>("loads", LoadFromJson);
  journeys.objectives = in.List<ObjectiveNow>("objectives", ObjectiveFromJson);
  if (fault) return *fault;
  return journeys;
}

}  // namespace haidang::query
