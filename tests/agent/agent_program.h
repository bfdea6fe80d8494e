#pragma once

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <chrono>
#include <cstdlib>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "agent/sources/text.h"
#include "tests/support/temp_dir.h"

// The real program, from its command line to its exit. AGENT is its path.
namespace haidang::testing {

using Steady = std::chrono::steady_clock;

// haidang-agent as a child; its output goes to files below `dir`.
class Agent {
 public:
  Agent(const TempDir& dir, std::vector<std::string> args)
      : out_(dir / "stdout"), err_(dir / "stderr") {
    for (const std::string& old : {out_, err_}) unlink(old.c_str());
    args.insert(args.begin(), AGENT);
    std::vector<char*> argv;
    for (std::string& arg : args) argv.push_back(arg.data());
    argv.push_back(nullptr);
    // The test's own handlers must not meet a signal that is meant for the agent.
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    pid_ = fork();
    if (pid_ == 0) {
      for (const int number : {SIGTERM, SIGINT}) signal(number, SIG_DFL);
      pthread_sigmask(SIG_SETMASK, &before, nullptr);
      // Under the address sanitizer: a thread that hangs in a library when the program ends is
      // meant to be left there, with what it holds.
      setenv("LSAN_OPTIONS", "exitcode=0", 1);
      dup2(open(out_.c_str(), O_CREAT | O_WRONLY | O_TRUNC, 0600), STDOUT_FILENO);
      dup2(open(err_.c_str(), O_CREAT | O_WRONLY | O_TRUNC, 0600), STDERR_FILENO);
      execv(argv[0], argv.data());
      _exit(127);
    }
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
    REQUIRE(pid_ >= 0);
  }
  ~Agent() {
    if (pid_ <= 0) return;
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
  Agent(const Agent&) = delete;
  Agent& operator=(const Agent&) = delete;

  // The exit code; -1 where a signal ended it.
  int Wait() {
    int status = 0;
    waitpid(pid_, &status, 0);
    pid_ = 0;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }
  void Signal(int number) const { kill(pid_, number); }
  std::string out() const { return agent::ReadSmallFile(out_).value(); }
  std::string err() const { return agent::ReadOptionalFile(err_).value(); }

  bool Says(const std::string& text) const {
    const auto end = Steady::now() + std::chrono::seconds(20);
    while (err().find(text) == std::string::npos) {
      if (Steady::now() > end) return false;
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    return true;
  }

 private:
  std::string out_;
  std::string err_;
  pid_t pid_ = 0;
};

struct Ended {
  int code;
  std::string out;
  std::string err;
};

inline Ended Run(const TempDir& dir, std::vector<std::string> args) {
  Agent agent(dir, std::move(args));
  const int code = agent.Wait();
  return {code, agent.out(), agent.err()};
}

inline std::string Write(const TempDir& dir, const std::string& text) {
  const std::string path = dir / "agent.toml";
  std::ofstream(path) << text;
  return path;
}

inline std::string Running(const TempDir& dir, int port, const std::string& state) {
  return Write(dir, "[broker]\nuri = \"tcp://127.0.0.1:" + std::to_string(port) +
                        "\"\ngroup = \"g\"\n[machine]\nid = \"m\"\n[sampling]\ninterval = \"1s\"\n"
                        "[state]\ndirectory = \"" +
                        state + "\"\n");
}

}  // namespace haidang::testing
