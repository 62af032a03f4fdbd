#include "stack/kern/file_system.h"

#include "core/base/text.h"

namespace stackyard {

const std::shared_ptr<FileNode>& FileSystem::root() const {
  if (!root_) const_cast<FileSystem*>(this)->make_tree();
  return root_;
}

void FileSystem::make_tree() {
  root_ = std::make_shared<FileNode>();
  root_->is_folder = true;
  for (const char* folder : {"/dev", "/etc", "/root", "/tmp", "/var", "/var/log", "/var/run"})
    (void)make_folder(folder);
  for (const char* device : {"null", "zero"}) {
    auto node = std::make_shared<FileNode>();
    node->device = device;
    node->mode = 0666;
    (*find("/dev"))->entries[device] = node;
  }
  if (!base_) return;
  for (const BaseFile& file : *base_) {
    (void)put(file.path, "");
    (*find(file.path))->content = FileContent(file.content);
    octets_ += file.content->size();
  }
}

std::string FileSystem::resolve(const std::string& folder, const std::string& path) {
  std::vector<std::string> parts;
  const std::string whole = path.starts_with('/') ? path : folder + "/" + path;
  for (const std::string& part : split(whole, '/')) {
    if (part.empty() || part == ".") continue;
    if (part != "..")
      parts.push_back(part);
    else if (!parts.empty())
      parts.pop_back();
  }
  return "/" + join(parts, "/");
}

Result<std::shared_ptr<FileNode>> FileSystem::find(const std::string& path) const {
  std::shared_ptr<FileNode> node = root();
  for (const std::string& part : split(resolve("/", path), '/')) {
    if (part.empty()) continue;
    if (!node->is_folder) return Errno::enotdir;
    const auto found = node->entries.find(part);
    if (found == node->entries.end()) return Errno::enoent;
    node = found->second;
  }
  return node;
}

Result<std::pair<FileNode*, std::string>> FileSystem::parent_of(const std::string& path) const {
  const std::string whole = resolve("/", path);
  const size_t slash = whole.rfind('/');
  const std::string name = whole.substr(slash + 1);
  if (name.empty()) return Errno::eisdir;
  const auto folder = TRY(find(whole.substr(0, slash)));
  if (!folder->is_folder) return Errno::enotdir;
  return std::pair{folder.get(), name};
}

Result<std::shared_ptr<FileNode>> FileSystem::create(const std::string& path, bool truncate) {
  const auto [folder, name] = TRY(parent_of(path));
  auto& node = folder->entries[name];
  if (!node) node = std::make_shared<FileNode>();
  if (node->is_folder) return Errno::eisdir;
  if (node->is_socket) return Errno::eopnotsupp;
  if (truncate && node->device.empty()) {
    octets_ -= node->content.size();
    node->content.clear();
  }
  return node;
}

Result<> FileSystem::put(const std::string& path, std::string content, uint32_t mode) {
  TRY(make_folders_of(path));
  const auto node = TRY(create(path, true));
  TRY(write(*node, 0, bytes_of(content)));
  node->mode = mode;
  return {};
}

Result<> FileSystem::make_folders_of(const std::string& path) {
  const std::string whole = resolve("/", path);
  for (size_t slash = whole.find('/', 1); slash != whole.npos; slash = whole.find('/', slash + 1)) {
    const Result<> made = make_folder(whole.substr(0, slash));
    if (!made && made.error() != Errno::eexist) return made.error();
  }
  return {};
}

Result<> FileSystem::make_folder(const std::string& path) {
  const auto [folder, name] = TRY(parent_of(path));
  auto& node = folder->entries[name];
  if (node) return Errno::eexist;
  node = std::make_shared<FileNode>();
  node->is_folder = true;
  node->mode = 0755;
  return {};
}

Result<std::shared_ptr<FileNode>> FileSystem::make_socket(const std::string& path) {
  const auto [folder, name] = TRY(parent_of(path));
  auto& node = folder->entries[name];
  if (node) return Errno::eaddrinuse;
  node = std::make_shared<FileNode>();
  node->is_socket = true;
  node->mode = 0755;
  return node;
}

Result<> FileSystem::remove(const std::string& path) {
  const auto [folder, name] = TRY(parent_of(path));
  const auto found = folder->entries.find(name);
  if (found == folder->entries.end()) return Errno::enoent;
  if (!found->second->entries.empty()) return Errno::enotempty;
  octets_ -= found->second->content.size();
  folder->entries.erase(found);
  return {};
}

Result<> FileSystem::rename(const std::string& from, const std::string& to) {
  const auto node = TRY(find(from));
  if (resolve("/", to).starts_with(resolve("/", from) + "/")) return Errno::einval;
  const auto [old_folder, old_name] = TRY(parent_of(from));
  const auto [folder, name] = TRY(parent_of(to));
  old_folder->entries.erase(old_name);
  folder->entries[name] = node;
  return {};
}

Result<size_t> FileSystem::write(FileNode& node, size_t offset, Bytes octets) {
  if (node.is_folder) return Errno::eisdir;
  if (!node.device.empty()) return octets.size();
  const size_t end = offset + octets.size();
  if (end > node.content.size()) {
    const size_t more = end - node.content.size();
    if (octets_ + more > octets_max) return Errno::enospc;
    octets_ += more;
    node.content.writable().resize(end);
  }
  if (!octets.empty())
    std::memcpy(node.content.writable().data() + offset, octets.data(), octets.size());
  return octets.size();
}

}  // namespace stackyard
