#include <catch2/catch.hpp>
#include <cmath>
#include <functional>

#include "collector/store/audit.h"
#include "collector/store/reader.h"
#include "collector/store/schema.h"
#include "collector/store/store.h"
#include "collector/store/window.h"
#include "tests/collector/world.h"

// A file of each schema version that ever was, with rows in all its tables, is brought to the
// newest one and answers as it did. A new step in schema.cc needs a Case here: the last test says
// so.

using namespace haidang;
using namespace haidang::store;
using namespace haidang::collector::testing;

namespace {

constexpr uint64_t kSpoolId = 161;
constexpr int64_t kLayout = 1;

// What every version's file says of pc-1: batches 1 to 4 of one spool, 3 came late, 2 states
// nothing; 5 and 6 are lost, 7 is there.
struct Facts {
  TestAgent agent{"pc-1", kSpoolId};
  uint64_t load = agent.Declare({"node_load1", {}});
  uint64_t data = agent.Declare({"node_filesystem_avail_bytes", {{"mountpoint", "/dữ liệu"}}},
                                DataType::kUInt64, 1);
  const std::vector<TestAgent::Tick> ticks = {
      {.number = 1, .values = {{load, 1.5}, {data, uint64_t{1} << 60}}, .full = true},
      {.number = 2, .values = {}},
      {.number = 4, .values = {{load, 4.0}}},
      {.number = 3, .values = {{data, uint64_t{3}}}},
      {.number = 7, .values = {{load, 7.25}, {data, uint64_t{7}}}, .full = true}};
};

// A version, and how rows get into a file of it. Rows of the tables that an older version has too
// are put by its case.
struct Case {
  int version;
  const char* rows;     // into what this version's steps made, besides the older ones' rows
  const char* journal;  // how a row of the journal is put; null: as the version before
  std::function<void(Database& newest)> check;  // what this version's rows are in the newest
};

int64_t Number(Database& db, const std::string& sql) {
  auto statement = db.Prepare(sql);
  REQUIRE(statement);
  auto row = statement->Step();
  REQUIRE(row);
  REQUIRE(*row);
  return statement->Int(0);
}

const std::vector<Case>& Cases() {
  static const std::vector<Case> cases = {
      {1,
       "INSERT INTO meta VALUES ('store_id', -77);"
       "INSERT INTO machine VALUES (1, 'pc-1', 'linux', '0.1.0', 15000, 7, 1);"
       "INSERT INTO spool VALUES (1, 1, 161, 1, 1767573000000, 0);"
       "INSERT INTO committed (spool, first, last) VALUES (1, 1, 7);"
       "INSERT INTO gap VALUES (1, 5, 6, 'full', 1767573200000);"
       "INSERT INTO series VALUES (1, 'node_load1', '{}', 10, 'gauge', '');"
       "INSERT INTO series VALUES (2, 'node_filesystem_avail_bytes',"
       " '{\"mountpoint\":\"/dữ liệu\"}', 8, 'gauge', 'bytes');"
       "INSERT INTO alias SELECT 1, ?1, 1, 0;"
       "INSERT INTO alias SELECT 1, ?2, 2, 1;"
       "INSERT INTO event VALUES (1, 1, 1767573015000, 1767573016000, 'agent_started', '', 'x');"
       "INSERT INTO presence VALUES (1, 'stopped', 1767573100000);"
       "INSERT INTO machine_info VALUES (1, 1000, 2000, '22', 'server');"
       "INSERT INTO machine_info VALUES (1, 2000, NULL, '06652', 'kiosk');"
       "INSERT INTO finding VALUES (1, 'machine_vanished', 'pc-1', '22', 'Tỉnh', '', '', 5, 9,"
       " '{\"seconds\":3}', '{}');"
       "INSERT INTO quarantine VALUES (1, 'crc', 2, 10, 20, 161, 9, 3, x'010203');"
       "INSERT INTO snapshot VALUES (1, 4, '{\"version\":4,\"sites\":[],\"placements\":[],"
       "\"objectives\":[]}')",
       "INSERT INTO journal (machine, spool, number, device_ms, received_ms, flags, crc, payload)"
       " VALUES (1, 1, ?1, ?2, ?3, ?4, ?5, ?6)",
       [](Database& db) {
         CHECK(Number(db, "SELECT value FROM meta WHERE key = 'store_id'") == -77);
         CHECK(Number(db, "SELECT count(*) FROM journal WHERE offset_ms = 0") == 5);
         CHECK(Number(db, "SELECT time_ms FROM event") == 1767573015000);
         CHECK(Number(db, "SELECT count(*) FROM finding WHERE closed_ms = 9") == 1);
         CHECK(Number(db, "SELECT count FROM quarantine WHERE kept = x'010203'") == 2);
         CHECK(Number(db, "SELECT version FROM snapshot") == 4);
         CHECK(Number(db, "SELECT valid_to_ms FROM machine_info WHERE site = '22'") == 2000);
       }},
      {2,
       "INSERT INTO hole VALUES (1, 1, 1, 5, 6, 1767573060000, 1767573105000, 'full', 0, 2,"
       " 1767573105000, 1767573200000);"
       "INSERT INTO hole VALUES (2, 1, 1, 8, 9, NULL, 1767573500000, '', 0, 0, 1767573500000,"
       " NULL);"
       "INSERT INTO boot VALUES (1, -3, 1767569400000, 1, 1767573000000)",
       "INSERT INTO journal (machine, spool, number, time_ms, received_ms, flags, crc, payload,"
       " offset_ms) VALUES (1, 1, ?1, ?2, ?3, ?4, ?5, ?6, 0)",
       [](Database& db) {
         CHECK(Number(db, "SELECT count(*) FROM hole WHERE closed_ms IS NULL") == 1);
         CHECK(Number(db, "SELECT lost FROM hole WHERE id = 1") == 2);
         CHECK(Number(db, "SELECT started_ms FROM boot WHERE boot_id = -3") == 1767569400000);
       }},
      {3,
       "INSERT INTO machine_series VALUES (1, 1);"
       "INSERT INTO machine_series VALUES (1, 2)",
       nullptr,
       [](Database& db) {
         CHECK(Number(db, "SELECT count(*) FROM machine_series") == 2);
         CHECK(Number(db, "SELECT count(*) FROM meta WHERE key = 'expired'") == 0);
       }},
      {4, "INSERT INTO rollup_due VALUES (1, 1767571200000, 3)", nullptr,
       [](Database& db) {
         CHECK(Number(db, "SELECT mark FROM rollup_due WHERE window_ms = 1767571200000") == 3);
         CHECK(Number(db, "SELECT count(*) FROM rollup") == 0);
       }},
      {5, "INSERT INTO remote VALUES ('http://127.0.0.1:9090/api/v1/write', 4, 2)", nullptr,
       [](Database& db) {
         CHECK(Number(db, "SELECT cursor FROM remote") == 4);
         CHECK(Number(db, "SELECT kept FROM remote") == 2);
       }},
  };
  return cases;
}

class OldFile {
 public:
  // With the rows of this version and all before it, in a file that was made by this version.
  explicit OldFile(int version) : path_(dir_ / "telemetry.db") {
    auto db = Database::Open(path_, {});
    REQUIRE(db);
    REQUIRE(Migrate(*db, Migrations().first(static_cast<size_t>(version))));
    const char* journal = nullptr;
    for (const Case& one : Cases()) {
      if (one.version > version) break;
      PutRows(*db, one.rows);
      if (one.journal != nullptr) journal = one.journal;
    }
    REQUIRE(journal != nullptr);
    for (const auto& tick : facts_.ticks) PutBatch(*db, journal, tick);
  }

  const std::string& path() const { return path_; }
  const Facts& facts() const { return facts_; }

 private:
  // Statement by statement: ?1 and ?2 are the aliases.
  void PutRows(Database& db, std::string_view rows) {
    while (!rows.empty()) {
      const size_t end = rows.find(';');
      auto statement = db.Prepare(rows.substr(0, end));
      REQUIRE(statement);
      if (rows.substr(0, end).find("?2") != std::string_view::npos) {
        statement->Bind(2, facts_.data);
      } else if (rows.substr(0, end).find("?1") != std::string_view::npos) {
        statement->Bind(1, facts_.load);
      }
      REQUIRE(statement->Run());
      rows.remove_prefix(end == std::string_view::npos ? rows.size() : end + 1);
    }
  }
  void PutBatch(Database& db, const char* sql, const TestAgent::Tick& tick) {
    const std::string payload = facts_.agent.Encode(tick);
    sparkplug::BatchDecoder decoder;
    const auto message = decoder.Decode(payload);
    REQUIRE(message);
    auto s = db.Prepare(sql);
    REQUIRE(s);
    s->Bind(1, tick.number).Bind(2, facts_.agent.TimeOf(tick.number));
    s->Bind(3, facts_.agent.TimeOf(tick.number) + 40)
        .Bind(4, kFlagHistorical | (tick.full ? kFlagFull : 0));
    s->Bind(5, message->batches[0].header.crc).BindBlob(6, payload);
    REQUIRE(s->Run());
  }

  haidang::testing::TempDir dir_;
  std::string path_;
  Facts facts_;
};

query::Column Ask(const OldFile& file, const std::string& metric) {
  auto reader = OpenReader(file.path());
  REQUIRE(reader);
  const int64_t begin_ms = file.facts().agent.TimeOf(0);
  const auto answer =
      (*reader)->Range(AsRange({"pc-1", metric, {}, begin_ms, begin_ms + 86'400'000, {}}), {});
  REQUIRE(answer);
  REQUIRE(answer->columns.size() == 1);
  return answer->columns[0];
}

void CheckColumn(const OldFile& file, const std::string& metric,
                 const std::vector<std::pair<uint64_t, double>>& expected) {
  const query::Column column = Ask(file, metric);
  std::vector<std::pair<int64_t, double>> known, wanted;
  for (size_t i = 0; i < column.values.size(); ++i) {
    if (!std::isnan(column.values[i])) known.emplace_back(column.times_ms[i], column.values[i]);
  }
  for (const auto& [number, value] : expected) {
    wanted.emplace_back(file.facts().agent.TimeOf(number), value);
  }
  CHECK(known == wanted);
}

void CheckValues(const OldFile& file) {
  CheckColumn(file, "node_load1", {{1, 1.5}, {2, 1.5}, {3, 1.5}, {4, 4}, {7, 7.25}});
  const double all = std::ldexp(1.0, 60);
  CheckColumn(file, "node_filesystem_avail_bytes", {{1, all}, {2, all}, {3, 3}, {4, 3}, {7, 7}});
}

std::unique_ptr<Store> OpenNewest(const OldFile& file) {
  StoreOptions options;
  options.path = file.path();
  auto store = Store::Open(options, [] { return uint64_t{5}; });
  REQUIRE(store);
  return std::move(*store);
}

}  // namespace

TEST_CASE("a file of each version goes on as one of the newest") {
  for (const Case& made : Cases()) {
    INFO("version " << made.version);
    const OldFile file(made.version);
    auto store = OpenNewest(file);
    CHECK(store->id() == static_cast<uint64_t>(-77));
    auto contents = store->Load();
    REQUIRE(contents);
    REQUIRE(contents->machines.size() == 1);
    CHECK(contents->machines[0].name == "pc-1");
    CHECK(contents->machines[0].bd_seq == 7);
    REQUIRE(contents->spools.size() == 1);
    CHECK(contents->spools[0].spool_id == kSpoolId);
    CHECK(contents->spools[0].layout == kLayout);
    CHECK(contents->committed[0].second == std::vector<CommittedRow>{{{1, 7}}});
    REQUIRE(contents->series.size() == 2);
    CHECK(contents->series[1].series.labels == Labels{{"mountpoint", "/dữ liệu"}});
    REQUIRE(contents->presence.size() == 1);
    CHECK(contents->presence[0].state == query::State::kStopped);
    REQUIRE(contents->info.size() == 1);
    CHECK(contents->info[0].site == "06652");
    CHECK(contents->snapshot.version == 4);
    CheckValues(file);
    auto db = Database::Open(file.path(), {.read_only = true});
    REQUIRE(db);
    CHECK(Number(*db, "SELECT value FROM meta WHERE key = 'schema'") ==
          Migrations().back().version);
    for (const Case& older : Cases()) {
      if (older.version <= made.version) older.check(*db);
    }
  }
}

TEST_CASE("a file of each version is whole once it is migrated, and takes more") {
  for (const Case& made : Cases()) {
    INFO("version " << made.version);
    const OldFile file(made.version);
    {
      auto store = OpenNewest(file);
      const std::string payload = file.facts().agent.Encode({.number = 8, .values = {}});
      sparkplug::BatchDecoder decoder;
      const auto message = decoder.Decode(payload);
      REQUIRE(message);
      JournalRow row;
      row.machine = row.spool = 1;
      row.number = 8;
      row.time_ms = row.received_ms = file.facts().agent.TimeOf(8);
      row.flags = kFlagHistorical;
      row.crc = message->batches[0].header.crc;
      row.payload = payload;
      REQUIRE(store->Append(row));
      REQUIRE(store->PutRange(1, {{1, 8}, row.crc}));
      REQUIRE(store->Commit());
    }
    const auto audit = CheckStore(file.path());
    REQUIRE(audit);
    for (const auto& fault : audit->faults) UNSCOPED_INFO(fault.what << ": " << fault.where[0]);
    CHECK(audit->whole());
    CHECK(audit->batches == 6);
    CheckColumn(file, "node_load1", {{1, 1.5}, {2, 1.5}, {3, 1.5}, {4, 4}, {7, 7.25}, {8, 7.25}});
  }
}

TEST_CASE("what the migration to blocks finds deleted for its age is told") {
  const OldFile file(2);
  {
    auto db = Database::Open(file.path(), {});
    REQUIRE(db);
    REQUIRE(db->Exec("DELETE FROM journal WHERE id < 3"));
  }
  OpenNewest(file);
  auto db = Database::Open(file.path(), {.read_only = true});
  REQUIRE(db);
  CHECK(Number(*db, "SELECT value FROM meta WHERE key = 'expired'") == 1);
}

TEST_CASE("each schema version has a case in this file") {
  REQUIRE(Cases().size() == Migrations().size());
  for (size_t i = 0; i < Cases().size(); ++i) CHECK(Cases()[i].version == Migrations()[i].version);
}
