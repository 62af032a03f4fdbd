// stack/kern/file_system.h - a machine's files: a tree in memory.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "stack/kern/local_sockets.h"
#include "stack/sys/types.h"

namespace stackyard {

struct FileNode {
  bool is_folder = false;
  std::string device;  // "null", "zero": a device; empty: a file
  std::string content;
  bool is_socket = false;
  LocalSocketOps* bound = nullptr;  // of a socket: who is bound to it; null: closed since
  uint32_t mode = 0644;
  std::map<std::string, std::shared_ptr<FileNode>> entries;  // of a folder, sorted
};

// Paths are absolute ("/etc/hosts"); "." and ".." are understood. Open files hold their node, so a
// removed file lives on while it is open.
class FileSystem {
 public:
  static constexpr size_t octets_max = size_t(256) << 20;  // of all files: ENOSPC beyond

  FileSystem();
  Result<std::shared_ptr<FileNode>> find(const std::string& path) const;
  // Opens for writing: created if missing; emptied if `truncate`.
  Result<std::shared_ptr<FileNode>> create(const std::string& path, bool truncate);
  // Puts a whole file there, with the folders above it.
  Result<> put(const std::string& path, std::string content, uint32_t mode = 0644);
  Result<> make_folder(const std::string& path);
  // What bind(2) makes: EADDRINUSE when the name is taken.
  Result<std::shared_ptr<FileNode>> make_socket(const std::string& path);
  Result<> remove(const std::string& path);
  Result<> rename(const std::string& from, const std::string& to);
  Result<size_t> write(FileNode& node, size_t offset, Bytes octets);

  // "/a/b" from folder "/a" and "b", "../x", "/y": absolute, without dots.
  static std::string resolve(const std::string& folder, const std::string& path);

  LocalSockets& sockets() { return sockets_; }

 private:
  Result<std::pair<FileNode*, std::string>> parent_of(const std::string& path) const;
  LocalSockets sockets_;
  std::shared_ptr<FileNode> root_;
  size_t octets_ = 0;
};

}  // namespace stackyard
