#include "agent/child/spawn.h"

#include <fcntl.h>
#include <grp.h>
#include <linux/close_range.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <system_error>
#include <vector>

namespace haidang::agent {
namespace {

constexpr rlim_t kMaxMemory = 1U << 30;  // of its own, each process
constexpr rlim_t kSpareProcessorSeconds = 10;
constexpr int kMaxDescriptors = 65536;  // looked at where the kernel cannot close a range

// What the new process does before it is the program; in the order of Fault::step.
constexpr std::array kSteps = {"cannot be run", "cannot become its user", "cannot be prepared"};
enum Step : int { kExecute, kBecomeUser, kPrepare };

struct Fault {
  int step = kExecute;
  int code = 0;
};

// What the new process needs, made before the fork: after it nothing may be allocated.
struct Plan {
  std::vector<char*> argv;
  std::vector<char*> environment;
  const ChildUser* user = nullptr;
  rlim_t processor_seconds = 0;
  pid_t parent = 0;
  int input = -1;
  int output = -1;
  int errors = -1;
  int fault = -1;
};

std::vector<char*> Pointers(std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  pointers.reserve(texts.size() + 1);
  for (std::string& text : texts) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

std::vector<std::string> EnvironmentOf(const Command& command) {
  std::map<std::string, std::string, std::less<>> all = command.environment;
  all.emplace("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
  all.emplace("LANG", "C.UTF-8");
  if (command.user) {
    all.emplace("HOME", command.user->home);
    all.emplace("USER", command.user->name);
    all.emplace("LOGNAME", command.user->name);
  } else {
    for (const char* name : {"HOME", "USER", "LOGNAME"}) {
      if (const char* value = std::getenv(name)) all.emplace(name, value);
    }
    all.emplace("HOME", "/");
  }
  std::vector<std::string> texts;
  texts.reserve(all.size());
  for (const auto& [name, value] : all) texts.emplace_back(name).append("=").append(value);
  return texts;
}

// --- In the new process, which has this one thread of ours and must not allocate nor lock
// ---------

[[noreturn]] void Fail(const Plan& plan, Step step) {
  const Fault fault{step, errno};
  [[maybe_unused]] const ssize_t told = write(plan.fault, &fault, sizeof fault);
  _exit(127);
}

void ForgetSignals() {
  struct sigaction usual {};
  usual.sa_handler = SIG_DFL;
  for (int number = 1; number < NSIG; ++number) sigaction(number, &usual, nullptr);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
}

// Everything but the three that it was given goes when it becomes the program.
void ForgetDescriptors() {
  if (syscall(SYS_close_range, 3U, ~0U, CLOSE_RANGE_CLOEXEC) == 0) return;
  rlimit limit{};
  int end = kMaxDescriptors;
  if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < kMaxDescriptors) {
    end = static_cast<int>(limit.rlim_cur);
  }
  for (int fd = 3; fd < end; ++fd) fcntl(fd, F_SETFD, FD_CLOEXEC);
}

void Lower(int resource, rlim_t value) {
  rlimit limit{};
  getrlimit(static_cast<__rlimit_resource_t>(resource), &limit);
  limit.rlim_cur = limit.rlim_max = std::min(limit.rlim_max, value);
  setrlimit(static_cast<__rlimit_resource_t>(resource), &limit);
}

// Where memory runs out the program goes, not the agent.
void StandInFront() {
  const int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
  if (fd < 0) return;
  [[maybe_unused]] const ssize_t told = write(fd, "1000", 4);
  close(fd);
}

[[noreturn]] void Become(const Plan& plan) {
  setsid();
  const bool given = dup2(plan.input, 0) == 0 && dup2(plan.output, 1) == 1 &&
                     dup2(plan.errors, 2) == 2 && chdir("/") == 0;
  if (!given) Fail(plan, kPrepare);
  ForgetDescriptors();
  umask(022);
  Lower(RLIMIT_CORE, 0);
  Lower(RLIMIT_CPU, plan.processor_seconds);
  Lower(RLIMIT_DATA, kMaxMemory);
  StandInFront();
  if (const ChildUser* user = plan.user) {
    const bool became = setgroups(user->groups.size(), user->groups.data()) == 0 &&
                        setresgid(user->gid, user->gid, user->gid) == 0 &&
                        setresuid(user->uid, user->uid, user->uid) == 0;
    if (!became) Fail(plan, kBecomeUser);
  }
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != plan.parent) _exit(127);  // it ended before that
  ForgetSignals();
  execve(plan.argv[0], plan.argv.data(), plan.environment.data());
  Fail(plan, kExecute);
}

// --- Here ----------------------------------------------------------------------------------------

struct Pipe {
  Descriptor read;
  Descriptor write;
};

// Both ends above the three that the program is given.
Result<Pipe> MakePipe() {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) {
    return Error{"no pipe can be made: " + std::generic_category().message(errno)};
  }
  Pipe pipe{Descriptor(ends[0]), Descriptor(ends[1])};
  for (Descriptor* end : {&pipe.read, &pipe.write}) {
    if (end->get() > 2) continue;
    *end = Descriptor(fcntl(end->get(), F_DUPFD_CLOEXEC, 3));
    if (!end->open()) return Error{"no pipe can be made: too many open files"};
  }
  fcntl(pipe.read.get(), F_SETFL, O_NONBLOCK);
  return pipe;
}

Result<Descriptor> OpenNothing() {
  const Descriptor low(open("/dev/null", O_RDONLY | O_CLOEXEC));
  Descriptor nothing(fcntl(low.get(), F_DUPFD_CLOEXEC, 3));
  if (!nothing.open()) {
    return Error{"/dev/null: " + std::generic_category().message(errno)};
  }
  return nothing;
}

}  // namespace

Descriptor::~Descriptor() { Close(); }

void Descriptor::Close() {
  if (fd_ >= 0) close(fd_);
  fd_ = -1;
}

Result<Spawned> Spawn(const Command& command) {
  auto output = MakePipe();
  auto errors = MakePipe();
  auto fault = MakePipe();
  auto input = OpenNothing();
  for (const auto* pipe : {&output, &errors, &fault}) {
    if (!*pipe) return pipe->error();
  }
  if (!input) return input.error();

  std::vector<std::string> argv = command.argv;
  std::vector<std::string> environment = EnvironmentOf(command);
  const Plan plan{
      .argv = Pointers(argv),
      .environment = Pointers(environment),
      .user = command.user ? &*command.user : nullptr,
      .processor_seconds =
          static_cast<rlim_t>(command.timeout.count() / 1000) + kSpareProcessorSeconds,
      .parent = getpid(),
      .input = input->get(),
      .output = output->write.get(),
      .errors = errors->write.get(),
      .fault = fault->write.get(),
  };
  // No handler of ours may run in the new process.
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  const pid_t pid = fork();
  if (pid == 0) Become(plan);
  const int code = errno;
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  if (pid < 0) return Error{"no process can be made: " + std::generic_category().message(code)};
  return Spawned{pid, std::move(output->read), std::move(errors->read), std::move(fault->read)};
}

std::string FaultOf(const Spawned& spawned) {
  Fault fault;
  if (read(spawned.fault.get(), &fault, sizeof fault) != sizeof fault) return {};
  const bool known = fault.step >= 0 && fault.step < static_cast<int>(kSteps.size());
  return std::string(kSteps[known ? static_cast<size_t>(fault.step) : 0]) + ": " +
         std::generic_category().message(fault.code);
}

}  // namespace haidang::agent
