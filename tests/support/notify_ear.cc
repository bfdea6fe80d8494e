// haidang-notify-ear SOCKET: a service manager's end of sd_notify(3). Each message that comes is a
// line of JSON on standard output, in which it is a string; ends with its standard input.
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <nlohmann/json.hpp>
#include <string>

int main(int argc, char** argv) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (argc != 2 || std::strlen(argv[1]) >= sizeof address.sun_path) {
    std::fputs("usage: haidang-notify-ear SOCKET\n", stderr);
    return 2;
  }
  std::memcpy(address.sun_path, argv[1], std::strlen(argv[1]));
  const int ear = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (bind(ear, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    std::perror(argv[1]);
    return 1;
  }
  std::puts("\"\"");  // it listens
  std::fflush(stdout);
  for (;;) {
    pollfd waits[] = {{ear, POLLIN, 0}, {STDIN_FILENO, POLLIN, 0}};
    if (poll(waits, 2, -1) < 0 || waits[1].revents != 0) return 0;
    char text[8192];
    const ssize_t size = recv(ear, text, sizeof text, 0);
    if (size < 0) continue;
    const std::string message(text, static_cast<size_t>(size));
    std::puts(nlohmann::json(message)
                  .dump(-1, ' ', false, nlohmann::json::error_handler_t::replace)
                  .c_str());
    std::fflush(stdout);
  }
}
