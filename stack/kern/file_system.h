// stack/kern/file_system.h - a machine's files: a tree in memory.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "stack/kern/local_sockets.h"
#include "stack/sys/types.h"

namespace stackyard {

// A file's octets: perhaps shared with other machines' files, until it is written to.
class FileContent {
 public:
  FileContent() = default;
  explicit FileContent(std::shared_ptr<const std::string> shared) : shared_(std::move(shared)) {}
  const std::string& str() const { return shared_ ? *shared_ : own_; }
  size_t size() const { return str().size(); }
  std::string& writable() {
    if (shared_) own_ = *shared_;
    shared_.reset();
    return own_;
  }
  void clear() {
    shared_.reset();
    own_.clear();
  }

 private:
  std::shared_ptr<const std::string> shared_;
  std::string own_;
};

// What many machines have alike.
struct BaseFile {
  std::string path;
  std::shared_ptr<const std::string> content;
};
using BaseFiles = std::vector<BaseFile>;

struct FileNode {
  bool is_folder = false;
  std::string device;  // "null", "zero": a device; empty: a file
  FileContent content;
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

  // With these files beside the usual folders. The tree is made when somebody looks: a machine
  // without processes has none.
  void set_base(std::shared_ptr<const BaseFiles> files) { base_ = std::move(files); }
  Result<std::shared_ptr<FileNode>> find(const std::string& path) const;
  // Opens for writing: created if missing; emptied if `truncate`.
  Result<std::shared_ptr<FileNode>> create(const std::string& path, bool truncate);
  // Puts a whole file there, with the folders above it.
  Result<> put(const std::string& path, std::string content, uint32_t mode = 0644);
  Result<> make_folder(const std::string& path);
  // Those above a path, as far as they are missing.
  Result<> make_folders_of(const std::string& path);
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
  const std::shared_ptr<FileNode>& root() const;
  void make_tree();
  LocalSockets sockets_;
  std::shared_ptr<const BaseFiles> base_;
  mutable std::shared_ptr<FileNode> root_;
  size_t octets_ = 0;
};

}  // namespace stackyard
