// lab/drill/calls.h - a script's system calls, made by its process on the machine.
#pragma once

#include <exception>
#include <map>

#include "lab/drill/world.h"

namespace stackyard::drill {

// Of a connection; names are FreeBSD's struct tcp_info's.
std::map<std::string, int64_t> tcp_info_values(const OptionValue& value);

class Calls {
 public:
  Calls(World& world, const Settings& settings, Connection& connection)
      : world_(world), settings_(settings), connection_(connection) {}

  // Begins it and waits for it, or for `limit`: false, it is blocked.
  bool start(const CallSpec& call, int line, SimTime limit);
  // Of the call that has ended: what is wrong with it, or "". Throws Skip and Failure.
  std::string verdict();
  int line() const { return line_; }
  // The socket that the script is about; none: no socket is left.
  std::optional<Fd> latest() const { return latest_; }

 private:
  using Made = Task<Result<int64_t>>;
  using Method = Made (Calls::*)(Process&);
  struct Entry {
    const char* name;
    Method method;
  };
  static const Entry entries[];

  Task<void> make(Process& process);

  // --- calls.cpp ---
  Made socket(Process& process);
  void follow_stream(Process& process, Fd socket, const SockAddr& to);
  void follow_datagrams(Process& process, Fd socket, uint16_t remote_port);
  Made bind(Process& process);
  Made listen(Process& process);
  Made accept(Process& process);
  Made connect(Process& process);
  Made close(Process& process);
  Made shutdown(Process& process);
  Made fcntl(Process& process);
  Made ioctl(Process& process);
  Made poll(Process& process);
  Made open(Process& process);
  Made pipe(Process& process);
  Made set_option(Process& process);
  Made get_option(Process& process);
  // --- transfers.cpp ---
  Made read(Process& process);
  Made receive(Process& process);
  Made receive_message(Process& process);
  Made write(Process& process);
  Made send(Process& process);
  Made send_message(Process& process);
  Made send_file(Process& process);
  Made receive_octets(Process& process, size_t max, int64_t flags, const Expression* from);
  Made send_octets(Process& process, std::vector<uint8_t> octets, int64_t flags,
                   const Expression* to);

  // --- values.cpp ---
  const Expression& argument(size_t n) const;
  int64_t number(const Expression& e) const;
  int64_t number(size_t n) const { return number(argument(n)); }
  std::string words(const Expression& e) const;
  Fd fd(size_t n) const;
  Fd live(int64_t script_fd) const;
  int64_t learn(Fd fd);
  SockAddr address(const Expression& e, bool ours) const;
  std::optional<SockAddr> address_of_record(const Expression& e) const;
  std::vector<uint8_t> octets(const Expression& data, size_t length) const;
  std::vector<uint8_t> vector_octets(const Expression& vector) const;
  size_t vector_size(const Expression& vector) const;
  SocketOption option(size_t level, size_t name) const;
  OptionValue option_value(SocketOption option, const Expression& e) const;
  void compare_option(SocketOption option, const OptionValue& value, const Expression& e);
  void compare_address(const SockAddr& actual, const Expression& e);
  void compare_algorithm_option(const OptionValue& value, const Expression& e);
  void compare_record(const std::map<std::string, int64_t>& actual, const Expression& e);
  void wrong(const std::string& what) {
    if (wrong_.empty()) wrong_ = what;
  }
  [[noreturn]] void fail(const std::string& what) const { throw Failure{line_, what}; }

  World& world_;
  const Settings& settings_;
  Connection& connection_;
  CallSpec call_;
  int line_ = 0;
  Result<int64_t> result_ = Errno::ok;
  std::string wrong_;
  std::exception_ptr thrown_;
  std::map<int64_t, Fd> descriptors_;  // of the script
  std::optional<Fd> latest_;
};

}  // namespace stackyard::drill
