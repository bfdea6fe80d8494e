#include "collector/store/audit.h"

#include "core/io/database.h"
#include "core/ledger.h"
#include "tests/collector/ingest_fixture.h"

using namespace haidang;
using namespace haidang::collector;
using namespace haidang::collector::testing;
using Fixture = IngestFixture;

namespace {

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
    for (const auto& fault : Check().faults) faults.push_back(fault.what);
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
        std::vector<std::string>{
            "batches that were acknowledged are neither stored nor told as a gap"});
}

TEST_CASE_METHOD(AuditFixture, "a batch that may come twice") {
  CHECK(After("UPDATE committed SET last = 4") ==
        std::vector<std::string>{
            "a stored batch whose number is not settled: its machine may send it again"});
}

TEST_CASE_METHOD(AuditFixture, "a batch that stands there twice") {
  CHECK(After("INSERT INTO journal (machine, spool, number, time_ms, offset_ms, received_ms, "
              "flags, crc,"
              " payload) SELECT machine, spool, number, time_ms, offset_ms, received_ms, flags, "
              "crc, payload"
              " FROM journal WHERE number = 2") ==
        std::vector<std::string>{"a batch that is stored twice"});
}

TEST_CASE_METHOD(AuditFixture, "an altered batch") {
  CHECK(After("UPDATE journal SET crc = crc + 1 WHERE number = 2") ==
        std::vector<std::string>{"a batch whose CRC does not match its content"});
}

TEST_CASE_METHOD(AuditFixture, "bytes that are no batch") {
  const auto faults = After("UPDATE journal SET payload = x'ff' WHERE number = 5");
  REQUIRE(faults.size() == 2);
  CHECK(faults[0].starts_with("a batch cannot be decoded"));
}

TEST_CASE_METHOD(AuditFixture, "an alias that nobody declared") {
  CHECK(After("DELETE FROM alias WHERE alias = 33") ==
        std::vector<std::string>{"a batch with an alias that no stored birth declared"});
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
