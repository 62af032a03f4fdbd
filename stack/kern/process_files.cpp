// stack/kern/process_files.cpp - system calls on descriptors and files.
#include "stack/kern/process.h"

#include <algorithm>

#include "core/base/text.h"
#include "stack/kern/kqueue.h"
#include "stack/kern/machine.h"

namespace stackyard {

Result<std::shared_ptr<OpenFile>> Process::file(Fd fd) const {
  const int n = number(fd);
  if (n < 0 || size_t(n) >= descriptors_.size() || !descriptors_[size_t(n)]) return Errno::ebadf;
  return descriptors_[size_t(n)];
}

Fd Process::add_descriptor(std::shared_ptr<OpenFile> file) {
  size_t n = 0;
  while (n < descriptors_.size() && descriptors_[n]) ++n;
  if (n == descriptors_.size()) descriptors_.emplace_back();
  descriptors_[n] = std::move(file);
  return Fd(int(n));
}

Result<Fd> Process::new_descriptor(std::shared_ptr<OpenFile> file) {
  const long open = std::count_if(descriptors_.begin(), descriptors_.end(),
                                  [](const auto& f) { return f != nullptr; });
  if (size_t(open) >= descriptors_max) return Errno::emfile;
  return add_descriptor(std::move(file));
}

// Sockets that only messages in flight hold may be left: the last descriptor was here.
void Process::descriptor_closed() { machine_.files().sockets().collect(); }

Result<> Process::set_blocking(Fd fd, Blocking blocking) {
  TRY(file(fd))->set_blocking(blocking);
  return {};
}

void Process::set_descriptor(Fd fd, std::shared_ptr<OpenFile> file) {
  const size_t n = size_t(number(fd));
  if (descriptors_.size() <= n) descriptors_.resize(n + 1);
  descriptors_[n] = std::move(file);
}

std::string Process::absolute(const std::string& path) const {
  return jail_->settings().root + FileSystem::resolve(folder_, path);
}

// There is no devfs(8) to mount: a vnet's devices are in every /dev of its jails.
std::string Process::device_name(const std::string& path) const {
  static constexpr std::string_view folder = "/dev/";
  const std::string whole = FileSystem::resolve(folder_, path);
  if (!whole.starts_with(folder) || whole.find('/', folder.size()) != whole.npos) return "";
  return whole.substr(folder.size());
}

bool Process::has_device(const std::string& name) const {
  if (name.empty()) return false;
  const std::vector<std::string> devices = jail_->vnet().devices();
  return std::find(devices.begin(), devices.end(), name) != devices.end();
}

Call<Fd> Process::open(const std::string& path, OpenMode mode) {
  if (descriptors_.size() >= descriptors_max) return call<Fd>(Errno::emfile);
  if (client_owns(path))
    return {*this, open_task(client_->open(FileSystem::resolve(folder_, path), mode))};
  if (const std::string device = device_name(path); !device.empty()) {
    if (!jail_->may_configure_network() && has_device(device)) return call<Fd>(Errno::eperm);
    auto opened =
        jail_->may_configure_network() ? jail_->vnet().open_device(device, pid_) : Errno::enoent;
    if (opened) return call<Fd>(add_descriptor(std::move(*opened)));
    if (opened.error() != Errno::enoent) return call<Fd>(opened.error());
  }
  FileSystem& files = machine_.files();
  const auto node = mode == OpenMode::read ? files.find(absolute(path))
                                           : files.create(absolute(path), mode == OpenMode::write);
  if (!node) return call<Fd>(node.error());
  if ((*node)->is_socket) return call<Fd>(Errno::eopnotsupp);
  return call<Fd>(
      add_descriptor(std::make_shared<RegularFile>(files, *node, mode == OpenMode::append)));
}

Call<void> Process::close(Fd fd) {
  auto found = file(fd);
  if (!found) return call<void>(Errno::ebadf);
  std::shared_ptr<OpenFile> opened = std::move(*found);
  for (Kqueue* queue : kqueues_) queue->descriptor_closed(number(fd));
  descriptors_[size_t(number(fd))].reset();
  // soclose(9): the last one to close it waits, if it was told to.
  SocketOps* const socket = opened.use_count() == 1 ? opened->socket() : nullptr;
  const SimTime time = socket && opened->blocking() == Blocking::yes ? socket->linger() : SimTime();
  if (time > SimTime())
    return {*this, retry<void>(std::move(opened), time,
                               [](OpenFile& f) { return f.socket()->disconnect(); })};
  opened.reset();
  descriptor_closed();
  return call<void>({});
}

Call<Fd> Process::dup_to(Fd from, Fd to) {
  const auto found = file(from);
  if (!found) return call<Fd>(found.error());
  for (Kqueue* queue : kqueues_) queue->descriptor_closed(number(to));
  set_descriptor(to, *found);
  return call<Fd>(to);
}

Call<std::string> Process::read(Fd fd, size_t max) {
  const auto found = file(fd);
  if (!found) return call<std::string>(found.error());
  Result<std::string> first = (*found)->read(max);
  const bool wait = (*found)->blocking() == Blocking::yes;
  if (first || first.error() != Errno::eagain || !wait) return call<std::string>(std::move(first));
  return {*this, retry<std::string>(*found, SimTime(), [max](OpenFile& f) { return f.read(max); })};
}

Task<Result<>> Process::write_task(std::shared_ptr<OpenFile> file, std::string octets) {
  size_t done = 0;
  while (done < octets.size()) {
    const auto rest = [&](OpenFile& f) { return f.write(bytes_of(octets).subspan(done)); };
    const Result<size_t> written = co_await retry<size_t>(file, SimTime(), rest);
    if (!written && written.error() == Errno::epipe) {
      signal(Signal::pipe);
      co_return co_await signalled_task<void>(Errno::epipe);
    }
    if (!written) co_return written.error();
    done += *written;
  }
  co_return Result<>{};
}

Call<void> Process::write(Fd fd, std::string octets) {
  const auto found = file(fd);
  if (!found) return call<void>(found.error());
  const Result<size_t> first = (*found)->write(bytes_of(octets));
  if (first && *first == octets.size()) return call<void>({});
  if (!first && first.error() == Errno::epipe) {
    signal(Signal::pipe);
    return {*this, signalled_task<void>(Errno::epipe)};
  }
  if (!first && (first.error() != Errno::eagain || (*found)->blocking() == Blocking::no))
    return call<void>(first.error());
  return {*this, write_task(*found, octets.substr(first.value_or(0)))};
}

Call<std::pair<Fd, Fd>> Process::pipe() {
  auto [reader, writer] = Pipe::create();
  const Fd read_end = add_descriptor(std::move(reader));
  const Fd write_end = add_descriptor(std::move(writer));
  return call<std::pair<Fd, Fd>>(std::pair{read_end, write_end});
}

bool Process::fill_in(std::vector<PollItem>& items) const {
  bool any = false;
  for (PollItem& item : items) {
    const auto found = file(item.fd);
    item.ready = found ? (*found)->readiness() : Readiness{.readable = true, .hang_up = true};
    item.ready.readable &= item.want_read;
    item.ready.writable &= item.want_write;
    any |= item.ready.readable || item.ready.writable || item.ready.hang_up;
  }
  return any;
}

Task<Result<std::vector<PollItem>>> Process::poll_task(std::vector<PollItem> items,
                                                       SimTime timeout) {
  const SimTime deadline = timeout < SimTime() ? SimTime::max() : now() + timeout;
  std::list<Waiting> waiting;
  for (const PollItem& item : items)
    if (const auto found = file(item.fd)) waiting.emplace_back(*this, *found);
  while (!fill_in(items) && now() < deadline) {
    if (interrupted()) co_return Errno::eintr;
    co_await Blocked{*this, deadline};
  }
  co_return items;
}

Call<std::vector<PollItem>> Process::poll(std::vector<PollItem> items, SimTime timeout) {
  return {*this, poll_task(std::move(items), timeout)};
}

Result<FileStat> Process::stat(const std::string& path) const {
  if (has_device(device_name(path))) return FileStat{.is_device = true, .mode = 0600};
  const auto node = TRY(machine_.files().find(absolute(path)));
  return FileStat{.is_folder = node->is_folder,
                  .is_device = !node->device.empty(),
                  .is_socket = node->is_socket,
                  .size = node->content.size(),
                  .mode = node->mode};
}

Result<std::vector<std::string>> Process::list(const std::string& path) const {
  const auto node = TRY(machine_.files().find(absolute(path)));
  if (!node->is_folder) return Errno::enotdir;
  std::vector<std::string> names;
  for (const auto& [name, entry] : node->entries) names.push_back(name);
  if (FileSystem::resolve(folder_, path) == "/dev") {
    for (std::string& device : jail_->vnet().devices()) names.push_back(std::move(device));
    std::sort(names.begin(), names.end());
  }
  return names;
}

Result<> Process::remove(const std::string& path) {
  if (client_owns(path)) {
    client_->remove(FileSystem::resolve(folder_, path));
    return {};
  }
  return machine_.files().remove(absolute(path));
}
Result<> Process::make_folder(const std::string& path) {
  return machine_.files().make_folder(absolute(path));
}
Result<> Process::rename(const std::string& from, const std::string& to) {
  return machine_.files().rename(absolute(from), absolute(to));
}
Result<> Process::change_folder(const std::string& path) {
  const auto node = TRY(machine_.files().find(absolute(path)));
  if (!node->is_folder) return Errno::enotdir;
  folder_ = FileSystem::resolve(folder_, path);
  return {};
}

}  // namespace stackyard
