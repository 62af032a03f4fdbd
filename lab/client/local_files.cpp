#include "lab/client/local_files.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <nlohmann/json.hpp>

#include "core/base/errno.h"

namespace stackyard {

namespace {

// Up to EPIPE the numbers are the same everywhere; few of the others come from files.
Errno as_freebsd(int error) {
  switch (error) {
    case EAGAIN:
      return Errno::eagain;
    case ENAMETOOLONG:
      return Errno::enametoolong;
    default:
      return error <= EPIPE ? Errno(error) : Errno::eio;
  }
}

Json failure(int error) {
  return {{"error", {{"code", int(as_freebsd(error))}, {"message", std::strerror(error)}}}};
}

int flags_of(const std::string& mode) {
  if (mode == "read") return O_RDONLY;
  if (mode == "write") return O_WRONLY | O_CREAT | O_TRUNC;
  if (mode == "append") return O_WRONLY | O_CREAT | O_APPEND;
  return O_RDWR | O_CREAT;
}

}  // namespace

LocalFiles::~LocalFiles() {
  for (const auto& [handle, fd] : open_) close(fd);
}

int LocalFiles::file(const Json& params) const {
  const auto found = open_.find(params.value("handle", 0));
  return found == open_.end() ? -1 : found->second;
}

Json LocalFiles::handle(const std::string& method, const Json& params) {
  if (method == "file.open") {
    const int fd = open(params.at("path").get<std::string>().c_str(),
                        flags_of(params.value("mode", "read")) | O_CLOEXEC, 0666);
    if (fd < 0) return failure(errno);
    open_[++last_] = fd;
    return {{"handle", last_}};
  }
  if (method == "file.remove") {
    const int done = unlink(params.at("path").get<std::string>().c_str());
    return done == 0 ? Json::object() : failure(errno);
  }
  const int fd = file(params);
  if (fd < 0) return failure(EBADF);
  if (method == "file.read") {
    std::string octets(std::min<size_t>(params.value("octets", 65536u), 65536), '\0');
    const ssize_t got = read(fd, octets.data(), octets.size());
    if (got < 0) return failure(errno);
    return {{"data", to_base64(std::string_view(octets.data(), size_t(got)))}};
  }
  if (method == "file.write") {
    const std::string octets = from_base64(params.at("data").get<std::string>()).value_or("");
    size_t done = 0;
    while (done < octets.size()) {
      const ssize_t written = write(fd, octets.data() + done, octets.size() - done);
      if (written < 0 && errno == EINTR) continue;
      if (written < 0) return failure(errno);
      done += size_t(written);
    }
    return {{"written", done}};
  }
  close(fd);
  open_.erase(params.value("handle", 0));
  return Json::object();
}

}  // namespace stackyard
