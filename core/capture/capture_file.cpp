#include "core/capture/capture_file.h"

#include <cerrno>
#include <cstdio>
#include <vector>

namespace stackyard {

namespace {

// Where the octets go: a file of the real machine, or a string. Errors of the disk stay.
class Output {
 public:
  Output() = default;
  explicit Output(FILE* file) : file_(file) {}
  explicit Output(std::string* memory) : memory_(memory) {}
  Output(Output&& other) noexcept
      : file_(std::exchange(other.file_, nullptr)), memory_(other.memory_) {}
  ~Output() {
    if (file_) std::fclose(file_);
  }

  void put(const void* octets, size_t size) {
    written_ += size;
    if (memory_) {
      memory_->append(static_cast<const char*>(octets), size);
    } else if (!failed_ && std::fwrite(octets, 1, size, file_) != size) {
      failed_ = true;
    }
  }
  template <class Integer>
  void put(Integer value) {
    put(&value, sizeof value);
  }
  void pad(size_t size) {
    static constexpr char zeroes[4] = {};
    put(zeroes, size);
  }
  Result<> flush() {
    if (file_ && (failed_ || std::fflush(file_) != 0)) {
      failed_ = true;
      return Errno::enospc;
    }
    return {};
  }
  uint64_t written() const { return written_; }

 private:
  FILE* file_ = nullptr;
  std::string* memory_ = nullptr;
  uint64_t written_ = 0;
  bool failed_ = false;
};

// The classic format with nanosecond magic (0xa1b23c4d).
class PcapFile final : public CaptureFile {
 public:
  explicit PcapFile(Output output) : out_(std::move(output)) {}
  uint32_t add_interface(const std::string&, LinkType type, uint32_t snaplen) override {
    out_.put(uint32_t(0xa1b23c4d));
    out_.put(uint16_t(2));
    out_.put(uint16_t(4));
    out_.put(uint32_t(0));
    out_.put(uint32_t(0));
    out_.put(snaplen);
    out_.put(uint32_t(type));
    return 0;
  }
  void write(const CapturedFrame& frame) override {
    out_.put(uint32_t(frame.time.s()));
    out_.put(uint32_t(frame.time.ns() % 1'000'000'000));
    out_.put(uint32_t(frame.octets.size()));
    out_.put(frame.length);
    out_.put(frame.octets.data(), frame.octets.size());
  }
  Result<> flush() override { return out_.flush(); }
  uint64_t octets_written() const override { return out_.written(); }

 private:
  Output out_;
};

// draft-ietf-opsawg-pcapng: section header, interface description, enhanced packet blocks.
class PcapngFile final : public CaptureFile {
 public:
  explicit PcapngFile(Output output) : out_(std::move(output)) {
    begin(0x0a0d0d0a);
    field(uint32_t(0x1a2b3c4d));
    field(uint16_t(1));
    field(uint16_t(0));
    field(uint64_t(0xffffffffffffffff));  // the section's length is not given
    option(4, "Stackyard");               // shb_userappl
    end();
  }
  uint32_t add_interface(const std::string& name, LinkType type, uint32_t snaplen) override {
    begin(1);
    field(uint16_t(type));
    field(uint16_t(0));
    field(snaplen);
    option(2, name);                         // if_name
    option(9, std::string_view("\x09", 1));  // if_tsresol: 10^-9 s
    end();
    return interfaces_++;
  }
  void write(const CapturedFrame& frame) override {
    begin(6);
    field(frame.interface);
    field(uint32_t(uint64_t(frame.time.ns()) >> 32));
    field(uint32_t(frame.time.ns()));
    field(uint32_t(frame.octets.size()));
    field(frame.length);
    octets(frame.octets.data(), frame.octets.size());
    const uint32_t direction = frame.outbound ? 2 : 1;
    option(2, std::string_view(reinterpret_cast<const char*>(&direction), 4));  // epb_flags
    if (frame.packet) option(5, std::string_view(reinterpret_cast<const char*>(&frame.packet), 8));
    if (!frame.comment.empty()) option(1, frame.comment);
    end();
  }
  Result<> flush() override { return out_.flush(); }
  uint64_t octets_written() const override { return out_.written(); }

 private:
  void begin(uint32_t type) {
    block_.clear();
    block_.resize(8);
    std::memcpy(block_.data(), &type, 4);
    options_ = false;
  }
  template <class Integer>
  void field(Integer value) {
    const auto* octet = reinterpret_cast<const char*>(&value);
    block_.insert(block_.end(), octet, octet + sizeof value);
  }
  void octets(const void* data, size_t size) {
    const auto* octet = static_cast<const char*>(data);
    block_.insert(block_.end(), octet, octet + size);
    block_.resize((block_.size() + 3) / 4 * 4, 0);
  }
  void option(uint16_t code, std::string_view value) {
    options_ = true;
    field(code);
    field(uint16_t(value.size()));
    octets(value.data(), value.size());
  }
  void end() {
    if (options_) field(uint32_t(0));  // opt_endofopt
    const uint32_t length = uint32_t(block_.size() + 4);
    std::memcpy(block_.data() + 4, &length, 4);
    field(length);
    out_.put(block_.data(), block_.size());
  }

  Output out_;
  std::vector<char> block_;
  bool options_ = false;
  uint32_t interfaces_ = 0;
};

std::unique_ptr<CaptureFile> make(Output output, bool classic) {
  if (classic) return std::make_unique<PcapFile>(std::move(output));
  return std::make_unique<PcapngFile>(std::move(output));
}

}  // namespace

Result<std::unique_ptr<CaptureFile>> CaptureFile::create(const std::string& path) {
  FILE* file = std::fopen(path.c_str(), "wbe");
  if (!file) {
    switch (errno) {
      case EACCES:
      case EROFS:
        return Errno::eacces;
      case EISDIR:
        return Errno::eisdir;
      case ENOTDIR:
        return Errno::enotdir;
      case ENOSPC:
        return Errno::enospc;
      case ENOENT:
        return Errno::enoent;
      default:
        return Errno::eio;
    }
  }
  std::setvbuf(file, nullptr, _IOFBF, 1 << 20);
  return make(Output(file), path.ends_with(".pcap"));
}

std::unique_ptr<CaptureFile> CaptureFile::to_memory(std::string& to, bool classic) {
  return make(Output(&to), classic);
}

}  // namespace stackyard
