#include "collector/told_labels.h"

#include <prometheus/check_names.h>

#include <string>

namespace haidang::collector {
namespace {

bool IsOurs(std::string_view label) {
  return label == "instance" || label == "site" || label == "site_name" || label == "class" ||
         label == "le";
}

}  // namespace

std::string ToldName(const std::string& name, const Labels& own) {
  std::string told = name;
  while (IsOurs(told) || (told != name && own.contains(told))) told.insert(0, "exported_");
  return told;
}

Labels ToldLabels(const Labels& own, std::string_view machine, const Place& place) {
  Labels labels = {{"instance", std::string(machine)},
                   {"site", place.site},
                   {"site_name", place.site_name},
                   {"class", place.machine_class}};
  for (const auto& [name, value] : own) labels.emplace(ToldName(name, own), value);
  return labels;
}

bool MayBeTold(std::string_view metric) {
  return prometheus::CheckMetricName(std::string(metric)) && metric != kMachineUp &&
         metric != kMachineState;
}

}  // namespace haidang::collector
