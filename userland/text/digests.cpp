// userland/text/digests.cpp - md5(1) and its sisters, and cksum(1).
#include <openssl/evp.h>

#include <array>
#include <memory>

#include "core/base/text.h"
#include "userland/commands.h"
#include "userland/lib/options.h"

namespace stackyard {

namespace {

// Takes octets as they come.
class Digest {
 public:
  virtual ~Digest() = default;
  virtual void add(std::string_view octets) = 0;
  virtual std::string result() = 0;
};

class EvpDigest final : public Digest {
 public:
  explicit EvpDigest(const EVP_MD* kind) { EVP_DigestInit_ex(context_.get(), kind, nullptr); }
  void add(std::string_view octets) override {
    EVP_DigestUpdate(context_.get(), octets.data(), octets.size());
  }
  std::string result() override {
    std::array<uint8_t, EVP_MAX_MD_SIZE> octets;
    unsigned length = 0;
    EVP_DigestFinal_ex(context_.get(), octets.data(), &length);
    std::string hex;
    for (unsigned i = 0; i < length; ++i) hex += text("{:02x}", octets[i]);
    return hex;
  }

 private:
  std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context_{EVP_MD_CTX_new(),
                                                                   &EVP_MD_CTX_free};
};

// POSIX's CRC: 802.3's polynomial, most significant bit first, then the length's octets.
constexpr std::array<uint32_t, 256> crc_table = [] {
  std::array<uint32_t, 256> table{};
  for (uint32_t i = 0; i < 256; ++i) {
    uint32_t crc = i << 24;
    for (int bit = 0; bit < 8; ++bit) crc = (crc << 1) ^ (crc >> 31 ? 0x04c11db7 : 0);
    table[i] = crc;
  }
  return table;
}();

class Checksum final : public Digest {
 public:
  void add(std::string_view octets) override {
    length_ += octets.size();
    for (const char octet : octets) take(uint8_t(octet));
  }
  std::string result() override {
    for (uint64_t left = length_; left != 0; left >>= 8) take(uint8_t(left));
    return text("{} {}", ~crc_, length_);
  }

 private:
  void take(uint8_t octet) { crc_ = (crc_ << 8) ^ crc_table[(crc_ >> 24) ^ octet]; }
  uint32_t crc_ = 0;
  uint64_t length_ = 0;
};

// The whole of a descriptor.
Task<Result<std::string>> digest_of(Sys& sys, Digest& digest, Fd fd) {
  for (;;) {
    const Result<std::string> part = co_await sys.read(fd, 65536);
    if (!part) co_return part.error();
    if (part->empty()) co_return digest.result();
    digest.add(*part);
  }
}

// Each file's digest, in the words of `line(digest, name)`; no file: standard input's.
template <class Make, class Line>
Task<int> digest_files(Sys& sys, const Args& files, Make make, Line line) {
  int status = 0;
  if (files.empty()) {
    const auto digest = make();
    const auto found = co_await digest_of(sys, *digest, fd_in);
    const std::string shown = found ? line(*found, "") : std::string();
    co_await sys.print(shown);
    co_return found ? 0 : 1;
  }
  for (const std::string& file : files) {
    const Result<Fd> fd = co_await sys.open(file, OpenMode::read);
    if (!fd) {
      co_await sys.complain(text("{}: {}", file, errno_text(fd.error())));
      status = 1;
      continue;
    }
    const auto digest = make();
    const auto found = co_await digest_of(sys, *digest, *fd);
    co_await sys.close(*fd);
    const std::string shown = found ? line(*found, file) : std::string();
    co_await sys.print(shown);
    if (!found) status = 1;
  }
  co_return status;
}

Task<int> run_digest(Sys& sys, Args args, const Command& command, const EVP_MD* kind) {
  const Options options(args, "qrs:");
  if (!options.error().empty()) co_return co_await bad_usage(sys, command, options.error(), 1);
  std::string title;
  for (const char c : std::string_view(command.name)) title += char(std::toupper(c));
  const bool quiet = options.has('q'), reversed = options.has('r');
  const auto line = [&](const std::string& digest, const std::string& name) {
    if (quiet || name.empty()) return digest + "\n";
    return reversed ? text("{} {}\n", digest, name) : text("{} ({}) = {}\n", title, name, digest);
  };
  if (options.has('s')) {
    EvpDigest digest(kind);
    digest.add(options.value('s'));
    const std::string name = text("\"{}\"", options.value('s'));
    const std::string shown = line(digest.result(), name);
    co_await sys.print(shown);
    co_return 0;
  }
  const auto make = [kind] { return std::make_unique<EvpDigest>(kind); };
  co_return co_await digest_files(sys, options.rest(), make, line);
}

Task<int> md5(Sys& sys, Args args) {
  return run_digest(sys, std::move(args), md5_command, EVP_md5());
}
Task<int> sha1(Sys& sys, Args args) {
  return run_digest(sys, std::move(args), sha1_command, EVP_sha1());
}
Task<int> sha256(Sys& sys, Args args) {
  return run_digest(sys, std::move(args), sha256_command, EVP_sha256());
}
Task<int> sha512(Sys& sys, Args args) {
  return run_digest(sys, std::move(args), sha512_command, EVP_sha512());
}

Task<int> cksum(Sys& sys, Args args) {
  const Args files(args.begin() + 1, args.end());
  const auto line = [](const std::string& digest, const std::string& name) {
    return name.empty() ? digest + "\n" : text("{} {}\n", digest, name);
  };
  co_return co_await digest_files(
      sys, files, [] { return std::make_unique<Checksum>(); }, line);
}

}  // namespace

const Command md5_command{
    .name = "md5", .synopsis = "md5 [-qr] [-s string] [file ...]", .run = md5};
const Command sha1_command{
    .name = "sha1", .synopsis = "sha1 [-qr] [-s string] [file ...]", .run = sha1};
const Command sha256_command{
    .name = "sha256", .synopsis = "sha256 [-qr] [-s string] [file ...]", .run = sha256};
const Command sha512_command{
    .name = "sha512", .synopsis = "sha512 [-qr] [-s string] [file ...]", .run = sha512};
const Command cksum_command{.name = "cksum", .synopsis = "cksum [file ...]", .run = cksum};

}  // namespace stackyard
