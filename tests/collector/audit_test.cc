#include "collector/store/audit.h"

#include "core/io/database.h"
#include "core/ledger.h"
#include "tests/collector/ingest_fixture.h"

using namespace haidang;
using namespace haidang::collector;
using namespace haidang::collector::testing;
using namespace std::chrono_literals;
using Fixture = IngestFixture;

namespace {

using Words = std::vector<std::string>;

struct AuditFixture : Fixture {
  AuditFixture() {
    Born();
    for (uint64_t n = 1; n <= 4; ++n) {
      Receive(agent.Live({.number = n, .values = {{load, 0.5 * double(n)}}, .full = n == 1}));
    }
    Receive(agent.Envelope({{.number = 5, .values = {{load, Null{}}, {up, int64_t{7}}}}}));
    REQUIRE(ingest->Commit());
  }
  std::string path() const { return dir + "/telemetry.db"; }
  store::Audit Check() {
    auto audit = store::CheckStore(path());
    REQUIRE(audit);
    return *audit;
  }
  int64_t count = 0;  // of the last fault
  // What is wrong after `sql` was done to the file; each once.
  std::vector<std::string> After(const char* sql) {
    ingest.reset();
    fleet.reset();
    store.reset();
    {
      auto db = Database::Open(path(), {});
      REQUIRE(db);
      REQUIRE(db->Exec(sql));
    }
    std::vector<std::string> faults;
    for (const auto& fault : Check().faults) {
      faults.push_back(fault.what);
      count = fault.count;
      CHECK_FALSE(fault.means.empty());
      CHECK_FALSE(fault.todo.empty());
      CHECK_FALSE(fault.where.empty());
      CHECK(fault.where.size() <= store::Audit::kMaxWhere);
    }
    return faults;
  }
};

}  // namespace

TEST_CASE_METHOD(AuditFixture, "a store without fault is whole, and counted") {
  const store::Audit audit = Check();
  CHECK(audit.whole());
  CHECK(audit.machines == 1);
  CHECK(audit.series == 2);
  CHECK(audit.batches == 5);
  CHECK(audit.samples == 6);
  CHECK(audit.first_ms == agent.TimeOf(1));
  CHECK(audit.last_ms == agent.TimeOf(5));
  CHECK(audit.lost_batches == 0);
}

TEST_CASE_METHOD(AuditFixture, "a batch that is gone though it was acknowledged") {
  CHECK(After("DELETE FROM journal WHERE number = 3") ==
        Words{"rows are gone from the middle of the journal",
              "batches that were acknowledged are neither stored nor told as a gap"});
}

TEST_CASE_METHOD(AuditFixture, "a batch that is gone from a store that forgot old ones") {
  CHECK(
      After("INSERT INTO meta VALUES ('expired', 9); DELETE FROM journal WHERE number IN (1, 3)") ==
      Words{"rows are gone from the middle of the journal"});
}

TEST_CASE_METHOD(AuditFixture, "what was deleted for its age is not missed") {
  clock.Advance(31 * 24h);
  CHECK(ingest->Expire(0, 3) == 3);
  REQUIRE(ingest->Commit());
  CHECK(Check().whole());
  CHECK(ingest->Expire(0, 1000) == 1);  // the newest stays: ids go on behind it
  REQUIRE(ingest->Commit());
  Receive(agent.Live({.number = 6, .values = {{load, 1.0}}, .full = true}));
  REQUIRE(ingest->Commit());
  CHECK(Check().whole());
}

TEST_CASE_METHOD(AuditFixture, "a batch that may come twice") {
  CHECK(After("UPDATE committed SET last = 4") ==
        Words{"the CRC that is kept of a highest number is not that batch's",
              "stored batches whose number is not settled: their machines may send them again"});
}

TEST_CASE_METHOD(AuditFixture, "a batch that stands there twice") {
  CHECK(After("INSERT INTO journal (machine, spool, number, time_ms, offset_ms, received_ms, "
              "flags, crc,"
              " payload) SELECT machine, spool, number, time_ms, offset_ms, received_ms, flags, "
              "crc, payload"
              " FROM journal WHERE number = 2") == Words{"batches that are stored twice"});
}

TEST_CASE_METHOD(AuditFixture, "an altered batch") {
  CHECK(After("UPDATE journal SET crc = crc + 1 WHERE number = 2") ==
        Words{"batches whose CRC does not match their content"});
}

TEST_CASE_METHOD(AuditFixture, "bytes that are no batch") {
  CHECK(After("UPDATE journal SET payload = x'ff' WHERE number = 5") ==
        Words{"batches that cannot be read"});
}

TEST_CASE_METHOD(AuditFixture, "an alias that nobody declared") {
  CHECK(After("DELETE FROM alias WHERE alias = 33") ==
        Words{"batches with an alias that no stored birth declared"});
}

TEST_CASE_METHOD(AuditFixture, "series that are gone, and what the export says of their values") {
  CHECK(After("DELETE FROM series WHERE metric = 'node_load1'") ==
        Words{"aliases that mean a series which is not there"});
  CHECK(count == 1);
  size_t lines = 0;
  const auto exported = store::ExportLedger(path(), [&](const store::LedgerEntry&) {
    ++lines;
    return true;
  });
  REQUIRE_FALSE(exported);
  CHECK_THAT(exported.error().message, Catch::Contains("5 values are left out"));
  CHECK(lines == 1);
}

TEST_CASE_METHOD(AuditFixture, "a store without its id") {
  const char* sql = GENERATE("DELETE FROM meta WHERE key = 'store_id'",
                             "UPDATE meta SET value = 0 WHERE key = 'store_id'");
  CHECK(After(sql) == Words{"the store's id is gone from the table meta"});
}

TEST_CASE_METHOD(AuditFixture, "a store without its version is a clear error") {
  ingest.reset();
  fleet.reset();
  store.reset();
  {
    auto db = Database::Open(path(), {});
    REQUIRE(db->Exec("DELETE FROM meta WHERE key = 'schema'"));
  }
  const auto audit = store::CheckStore(path());
  REQUIRE_FALSE(audit);
  CHECK_THAT(audit.error().message, Catch::Contains("schema version is gone"));
}

TEST_CASE_METHOD(AuditFixture, "a batch whose time was changed") {
  const char* sql = GENERATE("UPDATE journal SET time_ms = time_ms - 1 WHERE number < 3",
                             "UPDATE journal SET offset_ms = 7 WHERE number < 3",
                             "UPDATE journal SET time_ms = -1 - offset_ms,"
                             " offset_ms = 9223372036854775807 WHERE number < 3");
  CHECK(After(sql) == Words{"batches whose row says another time than they say themselves"});
  CHECK(count == 2);
}

TEST_CASE_METHOD(AuditFixture, "a batch whose time was changed together with its offset") {
  CHECK(After("UPDATE journal SET time_ms = time_ms - 7200000, offset_ms = offset_ms + 7200000"
              " WHERE number = 4") ==
        Words{"batches whose corrected time is not that of their boot"});
}

TEST_CASE_METHOD(AuditFixture, "a batch whose flags were changed") {
  const char* sql =
      GENERATE("UPDATE journal SET flags = (flags | 1) - (flags & 1) WHERE number IN (1, 4)",
               "UPDATE journal SET flags = (flags | 2) - (flags & 2) WHERE number IN (2, 5)",
               "UPDATE journal SET flags = flags | 64 WHERE number IN (2, 5)");
  CHECK(After(sql) ==
        Words{"batches whose row says otherwise than they do whether they are full, or came late"});
  CHECK(count == 2);
}

TEST_CASE_METHOD(AuditFixture, "a CRC by which its machine would be taken for another") {
  CHECK(After("UPDATE committed SET last_crc = 5") ==
        Words{"the CRC that is kept of a highest number is not that batch's"});
}

TEST_CASE_METHOD(AuditFixture, "a schema that is not that of its version") {
  const std::string missing =
      "a table, an index or a column that this schema has is not there, or is another one";
  const std::string foreign =
      "a table, an index, a view or a trigger that this schema does not have";
  CHECK(After("DROP INDEX journal_by_time") == Words{missing});
  CHECK_THAT(Check().faults[0].where[0],
             Catch::Contains("index journal_by_time is not there; it is made by: CREATE INDEX"));
  CHECK(After("CREATE INDEX journal_by_time ON journal (machine)") == Words{missing});
  CHECK(After("DROP INDEX journal_by_time;"
              "CREATE INDEX \"journal_by_time\" on journal(machine,  time_ms)")
            .empty());
  CHECK(After("CREATE TRIGGER t AFTER INSERT ON journal BEGIN DELETE FROM gap; END") ==
        Words{foreign});
  CHECK(After("DROP TRIGGER t; CREATE TABLE mine (x)") == Words{foreign});
  CHECK(After("DROP TABLE mine; ALTER TABLE event DROP COLUMN key") == Words{missing});
  CHECK(After("DROP TABLE event") == Words{missing});
}

TEST_CASE_METHOD(AuditFixture, "rows that belong to nobody") {
  CHECK(After("DELETE FROM machine") ==
        Words{"rows that belong to a machine or a spool id which is not there",
              "batches of a spool id that no table knows"});
  CHECK(count == 5);
}

TEST_CASE_METHOD(AuditFixture, "ranges that overlap") {
  CHECK(After("INSERT INTO committed (spool, first, last) VALUES (1, 3, 5)") ==
        Words{"ranges of settled numbers that are turned around, overlap or touch"});
}

TEST_CASE_METHOD(AuditFixture, "the ledger tells each stated value, nothing unchanged") {
  std::vector<std::string> lines;
  REQUIRE(store::ExportLedger(path(), [&](const store::LedgerEntry& entry) {
    lines.push_back(LedgerLine(entry.machine, entry.series, entry.ts_ms, entry.value));
    return true;
  }));
  REQUIRE(lines.size() == 6);
  CHECK(lines[0] == LedgerLine("pc-1", {"node_load1", {}}, agent.TimeOf(1), 0.5));
  CHECK(lines[4] == LedgerLine("pc-1", {"node_load1", {}}, agent.TimeOf(5), Null{}));
  CHECK(lines[5] ==
        LedgerLine("pc-1", {"node_boot_time_seconds", {}}, agent.TimeOf(5), int64_t{7}));
}

TEST_CASE_METHOD(AuditFixture, "what is no store, or another's, is a clear error") {
  CHECK_FALSE(store::CheckStore(root / "nowhere.db"));
  const auto newer = [&] {
    ingest.reset();
    fleet.reset();
    store.reset();
    auto db = Database::Open(path(), {});
    REQUIRE(db->Exec("UPDATE meta SET value = 99 WHERE key = 'schema'"));
  };
  newer();
  const auto audit = store::CheckStore(path());
  REQUIRE_FALSE(audit);
  CHECK(audit.error().message.find("schema version 99") != std::string::npos);
}

TEST_CASE_METHOD(Fixture, "batches from an envelope are whole, whatever is not read of them") {
  limits.series_per_machine = 1;
  Reopen();
  Born();
  const bool restarted = GENERATE(false, true);  // what the cap left out has no datatype then
  if (restarted) Reopen();
  // One value beyond the cap, and one of another type than its birth said.
  Receive(agent.Envelope({{.number = 1, .values = {{load, 1.0}, {up, int64_t{-7}}}, .full = true},
                          {.number = 2, .values = {{load, std::string("1")}}}}));
  REQUIRE(ingest->Commit());
  CHECK(Journal().size() == 2);
  const auto audit = store::CheckStore(dir + "/telemetry.db");
  REQUIRE(audit);
  CHECK(audit->batches == 2);
  CHECK(audit->samples == 3);
  CHECK(audit->whole());
}
