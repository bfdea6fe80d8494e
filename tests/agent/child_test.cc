#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <optional>

#include "agent/child/runner.h"
#include "agent/sources/text.h"
#include "tests/agent/script.h"
#include "tests/support/loop_runner.h"

using namespace haidang;
using namespace haidang::agent;
using namespace std::chrono_literals;
using haidang::testing::RunUntil;
using haidang::testing::TempDir;
using End = ChildResult::End;

namespace {

struct Bench {
  explicit Bench(ChildRunnerOptions options = {})
      : loop(MakeLoop()), runner(*loop, clock, options) {}
  ~Bench() {
    // Nothing may be left, not even a zombie.
    RunUntil(*loop, [&] { return runner.running() == 0; });
    CHECK(waitpid(-1, nullptr, WNOHANG) == -1);
  }

  ChildResult Run(Command command) {
    std::optional<ChildResult> got;
    const auto child =
        runner.Start(std::move(command), [&](ChildResult result) { got = std::move(result); });
    CHECK_FALSE(got);
    REQUIRE(RunUntil(*loop, [&] { return got.has_value(); }));
    return *got;
  }

  // A line of the shell's language.
  ChildResult Shell(const std::string& line, std::chrono::milliseconds timeout = 10s) {
    Command command{.argv = {"/bin/sh", "-c", line}};
    command.timeout = timeout;
    return Run(std::move(command));
  }

  SystemClock clock;
  std::unique_ptr<Loop> loop;
  ChildRunner runner;
};

ChildRunnerOptions Hasty() {
  ChildRunnerOptions options;
  options.term_grace = 50ms;
  options.leave_grace = 50ms;
  return options;
}

bool Lives(pid_t pid) { return kill(pid, 0) == 0; }

pid_t PidIn(const std::string& output) { return static_cast<pid_t>(std::stol(output)); }

bool Eventually(Bench& bench, const std::function<bool()>& condition) {
  return RunUntil(*bench.loop, condition, 10s);
}

}  // namespace

TEST_CASE("a program's exit code, output and errors") {
  Bench bench;
  const ChildResult result = bench.Shell("echo out; echo err >&2; exit 3");
  CHECK(result.end == End::kExited);
  CHECK(result.code == 3);
  CHECK(result.problem.empty());
  CHECK(result.output == "out\n");
  CHECK(result.errors == "err\n");
  CHECK_FALSE(result.truncated);
  CHECK(result.took_ns > 0);
  CHECK(bench.Run({.argv = {"/bin/echo", "a b", "", "$HOME", "*"}}).output == "a b  $HOME *\n");
}

TEST_CASE("what a program finds: a clean environment, nothing of ours") {
  setenv("HAIDANG_SECRET", "x", 1);
  const int leak = open("/dev/null", O_RDONLY);  // as a library might: not to be closed on exec
  REQUIRE(leak > 2);
  Bench bench;
  Command command{.argv = {"/usr/bin/env"}};
  command.environment = {{"PGPASSFILE", "/etc/x"}, {"LANG", "vi_VN.UTF-8"}};
  const std::string environment = bench.Run(command).output;
  CHECK_THAT(environment,
             Catch::Contains("PGPASSFILE=/etc/x\n") && Catch::Contains("LANG=vi_VN.UTF-8\n") &&
                 Catch::Contains("PATH=/usr/local/sbin:") && Catch::Contains("HOME=/"));
  CHECK_THAT(environment, !Catch::Contains("SECRET"));
  CHECK(bench.Shell("pwd; umask; ulimit -c; cat; echo").output == "/\n0022\n0\n\n");
  // ls' own descriptor of the directory is the fourth.
  CHECK(bench.Run({.argv = {"/bin/ls", "/proc/self/fd"}}).output == "0\n1\n2\n3\n");
  CHECK(bench.Shell("cat /proc/$$/oom_score_adj").output == "1000\n");
  // Its own session, and no signal is blocked or ignored.
  const std::string ids = bench.Shell("echo $$; cut -d' ' -f5,6 /proc/$$/stat").output;
  const std::string pid = std::to_string(PidIn(ids));
  CHECK(ids == pid + "\n" + pid + " " + pid + "\n");
  CHECK_THAT(
      bench.Shell("grep -E 'Sig(Blk|Ign)' /proc/self/status").output,
      Catch::Contains("SigBlk:\t0000000000000000") && Catch::Contains("SigIgn:\t0000000000000000"));
  close(leak);
}

TEST_CASE("a program that hangs is ended, also one that will not listen") {
  Bench bench(Hasty());
  ChildResult result = bench.Shell("echo begun; exec sleep 1000", 100ms);
  CHECK(result.end == End::kTimedOut);
  CHECK(result.problem == "has not ended after 0.1 s");
  CHECK(result.output == "begun\n");
  result = bench.Shell("trap '' TERM; echo $$; while :; do sleep 0.01; done", 300ms);
  CHECK(result.end == End::kTimedOut);
  CHECK_FALSE(Lives(PidIn(result.output)));
  CHECK(result.took_ns >= 300'000'000);
  // Stopped, it hears nothing but SIGKILL.
  CHECK(bench.Shell("kill -STOP $$", 100ms).end == End::kTimedOut);
  // A time-out after it has ended is none.
  result = bench.Shell("sleep 0.9 & exit 2", 20s);
  CHECK(result.end == End::kExited);
  CHECK(result.code == 2);
}

TEST_CASE("a program that floods is ended; what is kept is bounded") {
  ChildRunnerOptions options;
  options.max_flood = 256 << 10;
  Bench bench(options);
  for (const char* line : {"exec cat /dev/zero", "exec cat /dev/zero >&2", "trap '' TERM; yes"}) {
    const ChildResult result = bench.Shell(line);
    CHECK(result.end == End::kFlooded);
    CHECK(result.problem == "has written more than 262144 bytes");
    CHECK(result.output.size() <= 64 << 10);
    CHECK(result.errors.size() <= kMaxErrors);
  }
  Command command{.argv = {"/bin/sh", "-c", "head -c 100000 /dev/zero"}};
  command.max_output = 1000;
  const ChildResult result = bench.Run(command);
  CHECK(result.end == End::kExited);
  CHECK(result.output.size() == 1000);
  CHECK(result.truncated);
}

TEST_CASE("what a program leaves behind does not hold up its result, and goes with it") {
  Bench bench(Hasty());
  ChildResult result = bench.Shell("sleep 1000 & echo $!; exit 1");
  CHECK(result.end == End::kExited);
  CHECK(result.code == 1);
  const pid_t heir = PidIn(result.output);
  CHECK(Eventually(bench, [&] { return !Lives(heir); }));
  // One that holds nothing open goes too.
  result = bench.Shell("sleep 1000 > /dev/null 2>&1 & echo $!");
  CHECK(Eventually(bench, [&, pid = PidIn(result.output)] { return !Lives(pid); }));
  // Many that fork on; at the time-out all go.
  result =
      bench.Shell("f() { sleep 1000 & sleep 1000 & }; f; f; (f; f; wait) & echo $!; wait", 200ms);
  CHECK(result.end == End::kTimedOut);
  CHECK(Eventually(bench, [&, pid = PidIn(result.output)] { return kill(-pid, 0) != 0; }));
  // One in a session of its own is out of reach, and holds up nothing.
  result = bench.Shell("setsid sleep 1000 & echo $!; sleep 0.1");
  CHECK(result.end == End::kExited);
  const pid_t escaped = PidIn(result.output);
  CHECK(Lives(escaped));
  kill(escaped, SIGKILL);
}

TEST_CASE("any bytes come through") {
  Bench bench;
  std::string all;
  for (int i = 0; i < 256; ++i) all += static_cast<char>(i);
  const TempDir dir;
  std::ofstream(dir / "bytes") << all;
  CHECK(bench.Run({.argv = {"/bin/cat", dir / "bytes"}}).output == all);
  CHECK(bench.Run({.argv = {"/bin/true"}}).output.empty());
}

TEST_CASE("what cannot be run is told") {
  Bench bench;
  const TempDir dir;
  const auto problem = [&](const std::string& path) {
    const ChildResult result = bench.Run({.argv = {path}});
    CHECK(result.end == End::kNotStarted);
    return result.problem;
  };
  CHECK(problem(dir / "no") == "cannot be run: No such file or directory");
  CHECK(problem(dir.path()) == "cannot be run: Permission denied");
  std::ofstream(dir / "text") << "hello";
  CHECK(problem(dir / "text") == "cannot be run: Permission denied");
  chmod((dir / "text").c_str(), 0755);
  CHECK(problem(dir / "text") == "cannot be run: Exec format error");
  std::ofstream(dir / "text") << "#!/no/such/shell\n";
  CHECK(problem(dir / "text") == "cannot be run: No such file or directory");
}

TEST_CASE("death by a signal is told") {
  Bench bench;
  const ChildResult result = bench.Shell("echo x; kill -SEGV $$");
  CHECK(result.end == End::kSignalled);
  CHECK(result.code == SIGSEGV);
  CHECK(result.problem == "was ended by signal 11 (Segmentation fault)");
  CHECK(result.output == "x\n");
}

TEST_CASE("fifty at once: a few run, each is told") {
  Bench bench;
  std::vector<std::unique_ptr<Child>> children;
  int ended = 0;
  for (int i = 0; i < 50; ++i) {
    children.push_back(bench.runner.Start({.argv = {"/bin/sh", "-c", "exit " + std::to_string(i)}},
                                          [&, i](ChildResult result) {
                                            CHECK(result.code == i);
                                            CHECK(bench.runner.running() <= 4);
                                            ++ended;
                                          }));
    CHECK(bench.runner.running() <= 4);
  }
  CHECK(bench.runner.waiting() == 46);
  CHECK(RunUntil(*bench.loop, [&] { return ended == 50; }));
}

TEST_CASE("a turn that does not come is told") {
  ChildRunnerOptions options = Hasty();
  options.at_once = 1;
  options.max_wait = 50ms;
  Bench bench(options);
  const auto first = bench.runner.Start({.argv = {"/bin/sleep", "1000"}}, [](ChildResult) {});
  const ChildResult second = bench.Shell("true");
  CHECK(second.end == End::kNotStarted);
  CHECK_THAT(second.problem, Catch::Contains("its turn has not come"));
}

TEST_CASE("a program nobody waits for any more is killed and makes room") {
  ChildRunnerOptions options;
  options.at_once = 1;
  Bench bench(options);
  auto first = bench.runner.Start({.argv = {"/bin/sleep", "1000"}}, [](ChildResult) { FAIL(); });
  auto second = bench.runner.Start({.argv = {"/bin/sleep", "1000"}}, [](ChildResult) { FAIL(); });
  CHECK(bench.runner.waiting() == 1);
  second.reset();
  CHECK(bench.runner.waiting() == 0);
  first.reset();
  CHECK(bench.Shell("exit 7").code == 7);
}

TEST_CASE("a callback may start the next, and let go of its own") {
  Bench bench;
  std::unique_ptr<Child> child;
  int left = 5;
  std::function<void(ChildResult)> again = [&](ChildResult) {
    child.reset();
    if (--left > 0) child = bench.runner.Start({.argv = {"/bin/true"}}, again);
  };
  child = bench.runner.Start({.argv = {"/bin/true"}}, again);
  CHECK(RunUntil(*bench.loop, [&] { return left == 0; }));
}

TEST_CASE("the runner's end is the end of what runs") {
  const TempDir dir;
  const auto loop = MakeLoop();
  const SystemClock clock;
  std::vector<std::unique_ptr<Child>> children;
  {
    ChildRunner runner(*loop, clock);
    for (int i = 0; i < 8; ++i) {
      children.push_back(
          runner.Start({.argv = {"/bin/sh", "-c",
                                 "trap '' TERM; echo $$ > " + dir / std::to_string(i) +
                                     "; sleep 1000; sleep 1000"}},
                       [](ChildResult) { FAIL(); }));
    }
    CHECK(RunUntil(*loop, [&] {
      const auto pid = ReadSmallFile(dir / "3");
      return pid && pid->ends_with('\n');
    }));
  }
  CHECK(waitpid(-1, nullptr, WNOHANG) == -1);
  CHECK_FALSE(Lives(PidIn(ReadSmallFile(dir / "3").value())));
  CHECK_FALSE(ReadSmallFile(dir / "4").ok());  // its turn never came
  loop->Post([&] { loop->Stop(); });
  loop->Run();
}

TEST_CASE("the runner's end is the end of what programs left behind, too") {
  const auto loop = MakeLoop();
  const SystemClock clock;
  const TempDir dir;
  ChildRunnerOptions options;
  options.leave_grace = 1h;
  pid_t heir = 0;
  {
    ChildRunner runner(*loop, clock, options);
    const auto child = runner.Start(
        {.argv = {"/bin/sh", "-c", "sleep 1000 & echo $! > " + dir / "heir" + "; exit 3"}},
        [](const ChildResult&) { FAIL(); });
    CHECK(RunUntil(*loop, [&] {
      const auto pid = ReadSmallFile(dir / "heir");
      return pid && pid->ends_with('\n');
    }));
    haidang::testing::RunFor(*loop, 200ms);  // the shell has ended by now
    heir = PidIn(ReadSmallFile(dir / "heir").value());
    CHECK(Lives(heir));
    CHECK(runner.running() == 1);
  }
  CHECK(RunUntil(*loop, [&] { return !Lives(heir); }));
}

TEST_CASE("programs of another user") {
  CHECK_FALSE(FindUser("no-such-user").ok());
  if (geteuid() != 0) {
    CHECK_THAT(FindUser("root").error().message, Catch::Contains("does not run as root"));
    WARN("not root: no program can be run as another user here");
    return;
  }
  Bench bench;
  auto user = FindUser("nobody");
  REQUIRE(user.ok());
  Command command{
      .argv = {"/bin/sh", "-c", "id -un; id -u; id -G; echo $HOME $USER; cat /etc/shadow"}};
  command.user = *user;
  const ChildResult result = bench.Run(command);
  const std::string uid = std::to_string(user->uid);
  CHECK(result.output ==
        "nobody\n" + uid + "\n" + std::to_string(user->gid) + "\n" + user->home + " nobody\n");
  CHECK_THAT(result.errors, Catch::Contains("Permission denied"));
}
