// userland/services/control_socket.h - the local socket by which a daemon is told what to do: one
// line, one answer.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "stack/sys/sys.h"

namespace stackyard {

class ControlSocket {
 public:
  explicit ControlSocket(Sys& sys) : sys_(sys) {}
  Fd fd() const { return fd_; }
  // Listens at `path`, in place of one that is left over. False: it cannot.
  Task<bool> open(std::string path);
  void remove();
  // The words of the caller who is waiting; nothing if it has gone.
  Task<std::optional<std::vector<std::string>>> take();
  // Answers that caller, who then is done.
  Task<void> answer(std::string words);

 private:
  Sys& sys_;
  std::string path_;
  Fd fd_{}, caller_{};
};

// The other side: what the daemon at `path` answers to these words; ECONNREFUSED, ENOENT, ...
Task<Result<std::string>> ask_daemon(Sys& sys, std::string path, std::vector<std::string> words);

}  // namespace stackyard
