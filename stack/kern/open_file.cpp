#include "stack/kern/open_file.h"

#include <algorithm>

#include "core/base/text.h"
#include "stack/kern/process.h"
#include "stack/kern/vnet.h"

namespace stackyard {

void OpenFile::wake_waiters() {
  for (FileWaiter* waiter : waiters_) waiter->file_changed();
}

Result<std::string> RegularFile::read(size_t max) {
  if (node_->is_folder) return Errno::eisdir;
  if (node_->device == "zero") return std::string(std::min<size_t>(max, 65536), '\0');
  if (offset_ >= node_->content.size()) return std::string();
  std::string part = node_->content.str().substr(offset_, max);
  offset_ += part.size();
  return part;
}

Result<size_t> RegularFile::write(Bytes octets) {
  if (append_) offset_ = node_->content.size();
  const size_t written = TRY(files_.write(*node_, offset_, octets));
  offset_ += written;
  return written;
}

namespace {

struct PipeBuffer {
  std::string octets;
  bool reader_open = true, writer_open = true;
  OpenFile* reader = nullptr;
  OpenFile* writer = nullptr;
};

class PipeReader final : public OpenFile {
 public:
  explicit PipeReader(std::shared_ptr<PipeBuffer> buffer) : buffer_(std::move(buffer)) {}
  ~PipeReader() override;
  Result<std::string> read(size_t max) override;
  Result<size_t> write(Bytes) override { return Errno::ebadf; }
  Readiness readiness() const override {
    return {.readable = !buffer_->octets.empty() || !buffer_->writer_open,
            .writable = false,
            .hang_up = !buffer_->writer_open};
  }
  int64_t octets_to_read() const override { return int64_t(buffer_->octets.size()); }
  void wake() { wake_waiters(); }

 private:
  std::shared_ptr<PipeBuffer> buffer_;
};

class PipeWriter final : public OpenFile {
 public:
  explicit PipeWriter(std::shared_ptr<PipeBuffer> buffer) : buffer_(std::move(buffer)) {}
  ~PipeWriter() override {
    buffer_->writer_open = false;
    if (buffer_->reader_open) static_cast<PipeReader*>(buffer_->reader)->wake();
  }
  Result<std::string> read(size_t) override { return Errno::ebadf; }
  Result<size_t> write(Bytes octets) override {
    if (!buffer_->reader_open) return Errno::epipe;
    const size_t room = Pipe::capacity - buffer_->octets.size();
    const size_t count = std::min(room, octets.size());
    if (count == 0 && !octets.empty()) return Errno::eagain;
    buffer_->octets += text_of(octets.first(count));
    static_cast<PipeReader*>(buffer_->reader)->wake();
    return count;
  }
  Readiness readiness() const override {
    return {.readable = false,
            .writable = !buffer_->reader_open || buffer_->octets.size() < Pipe::capacity,
            .hang_up = !buffer_->reader_open};
  }
  void wake() { wake_waiters(); }

 private:
  std::shared_ptr<PipeBuffer> buffer_;
};

PipeReader::~PipeReader() {
  buffer_->reader_open = false;
  if (buffer_->writer_open) static_cast<PipeWriter*>(buffer_->writer)->wake();
}

Result<std::string> PipeReader::read(size_t max) {
  if (buffer_->octets.empty()) {
    if (!buffer_->writer_open) return std::string();
    return Errno::eagain;
  }
  std::string part = buffer_->octets.substr(0, max);
  buffer_->octets.erase(0, part.size());
  if (buffer_->writer_open) static_cast<PipeWriter*>(buffer_->writer)->wake();
  return part;
}

}  // namespace

std::pair<std::shared_ptr<OpenFile>, std::shared_ptr<OpenFile>> Pipe::create() {
  auto buffer = std::make_shared<PipeBuffer>();
  auto reader = std::make_shared<PipeReader>(buffer);
  auto writer = std::make_shared<PipeWriter>(buffer);
  buffer->reader = reader.get();
  buffer->writer = writer.get();
  return {reader, writer};
}

Result<std::string> SourceFile::read(size_t max) {
  if (pending_.empty()) {
    if (ended_) return std::string();
    return Errno::eagain;
  }
  std::string part = pending_.substr(0, max);
  pending_.erase(0, part.size());
  return part;
}

namespace {

// What is left of a socket whose stack is gone.
class DeadSocket final : public SocketOps {
 public:
  explicit DeadSocket(SocketType type) : type_(type) {}
  Result<> bind(const SockAddr&) override { return Errno::enetdown; }
  Result<> connect(const SockAddr&) override { return Errno::enetdown; }
  Result<size_t> send(Bytes, const SendOptions&) override { return Errno::enetdown; }
  Result<Received> receive(size_t, const ReceiveOptions&) override { return Errno::enetdown; }
  Result<> set_option(SocketOption, const OptionValue&) override { return Errno::enetdown; }
  Result<OptionValue> get_option(SocketOption) override { return Errno::enetdown; }
  Readiness readiness() const override {
    return {.readable = true, .writable = true, .hang_up = true};
  }
  SockAddr local_name() const override { return {}; }
  SockAddr peer_name() const override { return {}; }
  std::string protocol_name() const override { return "gone"; }
  SocketType type() const override { return type_; }

 private:
  SocketType type_;
};

}  // namespace

SocketFile::SocketFile(std::unique_ptr<SocketOps> ops, Vnet* vnet)
    : ops_(std::move(ops)), vnet_(vnet) {
  ops_->listen_to(this);
  if (vnet_) vnet_->add_socket(*this);
}

SocketFile::~SocketFile() {
  if (vnet_) vnet_->remove_socket(*this);
}

void SocketFile::vnet_gone() {
  vnet_->remove_socket(*this);
  vnet_ = nullptr;
  ops_ = std::make_unique<DeadSocket>(ops_->type());
  wake_waiters();
}

Result<std::string> SocketFile::read(size_t max) {
  const Received received = TRY(ops_->receive(max, {}));
  return std::string(received.octets.begin(), received.octets.end());
}

}  // namespace stackyard
