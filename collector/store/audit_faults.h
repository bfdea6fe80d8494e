#pragma once

// What a check can find: what it is, what it means, what to do (docs/store-format.md).
namespace haidang::store {

struct FaultKind {
  const char* what;
  const char* means;
  const char* todo;
};

namespace faults {

inline constexpr const char* kRestore =
    "keep this file for a look, and restore the last backup that is whole";

inline constexpr FaultKind kPages{
    "the file's pages are damaged",
    "SQLite cannot rely on what it reads; more may be wrong than is said here",
    "check the disk; keep this file, and restore the last backup that is whole"};
inline constexpr FaultKind kMissing{
    "a table, an index or a column that this schema has is not there, or is another one",
    "without a table or a column the collector does not work; without an index it works, but "
    "answers slowly",
    "with the collector stopped, make a missing index again as is said here; else restore the last "
    "backup that is whole"};
inline constexpr FaultKind kForeign{
    "a table, an index, a view or a trigger that this schema does not have",
    "somebody else wrote into the file; a trigger may alter what is stored",
    "find out whose it is, and drop it with the collector stopped"};
inline constexpr FaultKind kStoreId{
    "the store's id is gone from the table meta",
    "the next start gives the store another id; of what is stored nothing is lost by that, but "
    "somebody wrote into the file",
    "start the collector, which makes a new id; restore the last backup where more is wrong"};
inline constexpr FaultKind kSeriesGone{"aliases that mean a series which is not there",
                                       "values of these series are stored, but nobody knows what "
                                       "they are: queries and exports leave them out",
                                       "restore the last backup that is whole; what machines still "
                                       "measure is known again with their next birth"};
inline constexpr FaultKind kOrphans{
    "rows that belong to a machine or a spool id which is not there",
    "what they say belongs to nobody and is not shown", kRestore};
inline constexpr FaultKind kRanges{
    "ranges of settled numbers that are turned around, overlap or touch",
    "which batches were acknowledged is not certain", kRestore};
inline constexpr FaultKind kUnreadable{"batches that cannot be read", "their values are lost here",
                                       kRestore};
inline constexpr FaultKind kBlock{"blocks that cannot be read, or are not what was written",
                                  "what is in them is lost here", kRestore};
inline constexpr FaultKind kRollup{
    "roll-ups that cannot be read, or are not what was written",
    "answers over long times cannot be given for their machine; its batches are another matter",
    kRestore};
inline constexpr FaultKind kUnknownSpool{"batches of a spool id that no table knows",
                                         "nobody knows whose they are; they are not shown",
                                         kRestore};
inline constexpr FaultKind kOtherKey{"batches under another's key",
                                     "they are shown as another machine's, or another spool id's",
                                     kRestore};
inline constexpr FaultKind kCrc{"batches whose CRC does not match their content",
                                "their values are not what their machines sent", kRestore};
inline constexpr FaultKind kUnsettled{
    "stored batches whose number is not settled: their machines may send them again",
    "they would then stand here twice", kRestore};
inline constexpr FaultKind kTwice{"batches that are stored twice",
                                  "each of their values counts twice", kRestore};
inline constexpr FaultKind kUndeclared{"batches with an alias that no stored birth declared",
                                       "what these values are is not known; they are not shown",
                                       kRestore};
inline constexpr FaultKind kTime{
    "batches whose row says another time than they say themselves",
    "they are shown at a time when they were not read, or not found at all", kRestore};
inline constexpr FaultKind kBoot{"batches whose corrected time is not that of their boot",
                                 "they are shown at a time when they were not read", kRestore};
inline constexpr FaultKind kFlags{
    "batches whose row says otherwise than they do whether they are full, or came late",
    "values are taken as known or unknown wrongly", kRestore};
inline constexpr FaultKind kLastCrc{"the CRC that is kept of a highest number is not that batch's",
                                    "its machine would be taken for one that was rolled back",
                                    kRestore};
inline constexpr FaultKind kUnstored{
    "batches that were acknowledged are neither stored nor told as a gap",
    "their values are lost here; a machine that still keeps them (48 h) is not asked for them",
    kRestore};
inline constexpr FaultKind kRowsGone{"rows are gone from the middle of the journal",
                                     "batches that were stored are lost", kRestore};

}  // namespace faults
}  // namespace haidang::store
