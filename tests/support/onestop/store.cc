#include "tests/support/onestop/store.h"

#include <sqlite3.h>

#include <algorithm>
#include <cstdio>
#include <thread>
#include <utility>

#include "tests/support/onestop/seed.h"
#include "tests/support/onestop/text.h"

namespace haidang::onestop {
namespace {

constexpr const char* kSchema = R"(
  CREATE TABLE IF NOT EXISTS ho_so (
    id INTEGER PRIMARY KEY,
    ma_ho_so TEXT NOT NULL,
    nguoi_nop TEXT NOT NULL,
    thu_tuc TEXT NOT NULL,
    trang_thai TEXT NOT NULL,
    ngay_nhan TEXT NOT NULL,
    ngay_hen_tra TEXT NOT NULL,
    ghi_chu TEXT NOT NULL
  );
)";

constexpr std::string_view kColumns =
    "id, ma_ho_so, nguoi_nop, thu_tuc, trang_thai, ngay_nhan, ngay_hen_tra, ghi_chu";

// SQL function bo_dau(text): Fold. Called for each row of each search, which is what makes it slow.
void SqlFold(sqlite3_context* context, int, sqlite3_value** arguments) {
  const auto* text = reinterpret_cast<const char*>(sqlite3_value_text(arguments[0]));
  const auto size = static_cast<size_t>(sqlite3_value_bytes(arguments[0]));
  const std::string folded = text == nullptr ? std::string() : Fold({text, size});
  sqlite3_result_text(context, folded.data(), static_cast<int>(folded.size()), SQLITE_TRANSIENT);
}

Dossier ReadDossier(const Statement& row) {
  return {row.Int(0),
          std::string(row.Text(1)),
          std::string(row.Text(2)),
          std::string(row.Text(3)),
          std::string(row.Text(4)),
          std::string(row.Text(5)),
          std::string(row.Text(6)),
          std::string(row.Text(7))};
}

// A LIKE pattern that finds `text` anywhere; its own wildcards stand for themselves.
std::string LikePattern(std::string_view text) {
  std::string pattern = "%";
  for (const char c : Fold(text)) {
    if (c == '%' || c == '_' || c == '\\') pattern += '\\';
    pattern += c;
  }
  return pattern + "%";
}

Status Insert(Statement& insert, const Dossier& dossier) {
  insert.Bind(1, dossier.code).Bind(2, dossier.applicant).Bind(3, dossier.procedure);
  insert.Bind(4, dossier.status).Bind(5, dossier.received).Bind(6, dossier.due);
  insert.Bind(7, dossier.note);
  return insert.Run();
}

constexpr std::string_view kInsert =
    "INSERT INTO ho_so (ma_ho_so, nguoi_nop, thu_tuc, trang_thai, ngay_nhan, ngay_hen_tra, "
    "ghi_chu) "
    "VALUES (?, ?, ?, ?, ?, ?, ?)";

Result<Database> OpenDatabase(const StoreOptions& options) {
  DatabaseOptions database;
  database.synchronous = DatabaseOptions::Sync::kNormal;
  database.busy_timeout_ms = 30000;
  auto db = Database::Open(options.path, database);
  if (db && options.rollback_journal) {
    if (auto set = db->Exec("PRAGMA journal_mode=DELETE"); !set) return set.error();
  }
  return db;
}

}  // namespace

Store::Lease::Lease(Store& store) : store_(store) {
  std::unique_lock lock(store_.pool_mutex_);
  store_.pool_free_.wait(lock, [&] { return !store_.free_.empty(); });
  db_ = store_.free_.back();
  store_.free_.pop_back();
  lock.unlock();
  std::this_thread::sleep_for(std::chrono::milliseconds(store_.delay_ms_));
}

Store::Lease::~Lease() {
  const std::lock_guard lock(store_.pool_mutex_);
  store_.free_.push_back(db_);
  store_.pool_free_.notify_one();
}

Result<std::unique_ptr<Store>> Store::Open(const StoreOptions& options) {
  std::unique_ptr<Store> store(new Store());
  store->options_ = options;
  for (int i = 0; i < options.connections; ++i) {
    auto db = OpenDatabase(options);
    if (!db) return db.error();
    if (auto made = db->Exec(kSchema); !made) return made.error();
    sqlite3_create_function(db->native(), "bo_dau", 1, SQLITE_UTF8 | SQLITE_DETERMINISTIC, nullptr,
                            SqlFold, nullptr, nullptr);
    store->connections_.push_back(std::make_unique<Database>(std::move(*db)));
    store->free_.push_back(store->connections_.back().get());
  }
  return store;
}

Result<std::vector<Dossier>> Store::Search(std::string_view text) {
  Lease db(*this);
  auto select =
      db->Prepare("SELECT " + std::string(kColumns) +
                  " FROM ho_so WHERE bo_dau(nguoi_nop) LIKE ?1 ESCAPE '\\'"
                  " OR bo_dau(ghi_chu) LIKE ?1 ESCAPE '\\' OR ma_ho_so LIKE ?1 ESCAPE '\\'"
                  " ORDER BY ngay_nhan DESC, id DESC LIMIT 50");
  if (!select) return select.error();
  select->Bind(1, LikePattern(text));
  std::vector<Dossier> found;
  while (true) {
    auto row = select->Step();
    if (!row) return row.error();
    if (!*row) return found;
    found.push_back(ReadDossier(*select));
  }
}

Result<std::optional<Dossier>> Store::Find(int64_t id) {
  Lease db(*this);
  auto select = db->Prepare("SELECT " + std::string(kColumns) + " FROM ho_so WHERE id = ?");
  if (!select) return select.error();
  select->Bind(1, id);
  auto row = select->Step();
  if (!row) return row.error();
  std::optional<Dossier> found;
  if (*row) found = ReadDossier(*select);
  return found;
}

Result<int64_t> Store::Submit(Dossier dossier) {
  const std::lock_guard writing(write_mutex_);
  Lease db(*this);
  auto next = db->Prepare(
      "SELECT coalesce(max(id), 0) + 1, date('now'), date('now', '+5 days') FROM ho_so");
  if (!next) return next.error();
  auto row = next->Step();
  if (!row) return row.error();
  dossier.received = next->Text(1);
  dossier.due = next->Text(2);
  dossier.code = DossierCode(next->Int(0), dossier.received);
  next->Reset();
  auto insert = db->Prepare(kInsert);
  if (!insert) return insert.error();
  if (auto done = Insert(*insert, dossier); !done) return done.error();
  return db->last_insert_rowid();
}

Status Store::Seed(int64_t count) {
  const std::lock_guard writing(write_mutex_);
  auto before = Count();
  if (!before) return before.error();
  Lease db(*this);
  auto transaction = Transaction::Begin(*db);
  if (!transaction) return transaction.error();
  auto insert = db->Prepare(kInsert);
  if (!insert) return insert.error();
  for (int64_t i = 1; i <= count; ++i) {
    if (auto done = Insert(*insert, MadeUpDossier(*before + i)); !done) return done;
  }
  return transaction->Commit();
}

Result<int64_t> Store::Count() {
  Lease db(*this);
  auto select = db->Prepare("SELECT count(*) FROM ho_so");
  if (!select) return select.error();
  auto row = select->Step();
  if (!row) return row.error();
  return select->Int(0);
}

void Store::Hold(int connections) {
  const std::lock_guard lock(trouble_mutex_);
  const auto wanted =
      static_cast<size_t>(std::clamp(connections, 0, static_cast<int>(connections_.size())));
  while (held_.size() < wanted) held_.push_back(std::make_unique<Lease>(*this));
  held_.resize(wanted);
}

Status Store::SetLocked(bool locked) {
  const std::lock_guard lock(trouble_mutex_);
  if (locked == (locker_ != nullptr)) return {};
  if (!locked) {
    locker_.reset();  // rolls back
    return {};
  }
  auto db = OpenDatabase(options_);
  if (!db) return db.error();
  if (auto begun = db->Exec("BEGIN EXCLUSIVE"); !begun) return begun.error();
  locker_ = std::make_unique<Database>(std::move(*db));
  return {};
}

}  // namespace haidang::onestop
