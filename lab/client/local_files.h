// lab/client/local_files.h - the files of a client, opened for its process in the lab.
#pragma once

#include <map>
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "lab/api/channel.h"

namespace stackyard {

class LocalFiles {
 public:
  LocalFiles() = default;
  ~LocalFiles();
  LocalFiles(const LocalFiles&) = delete;

  // file.open, file.read, file.write, file.close, file.remove of the protocol. Gives the result, or
  // {"error": {"code": FreeBSD's errno, "message": ...}}.
  Json handle(const std::string& method, const Json& params);

 private:
  int file(const Json& params) const;

  std::map<int, int> open_;  // descriptors by handle
  int last_ = 0;
};

}  // namespace stackyard
