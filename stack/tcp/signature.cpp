// stack/tcp/signature.cpp - signed segments (RFC 2385; TCP_MD5SIG). The keys are IP's: setkey(8).
#include <openssl/evp.h>

#include <memory>

#include "stack/ip/tcp_keys.h"
#include "stack/tcp/drops.h"
#include "stack/tcp/tcp.h"

namespace stackyard {

namespace {

using Digest = std::array<uint8_t, 16>;

// s2.0: pseudo-header, header without options and checksum, data, key.
Digest digest_of(const IpAddress& source, const IpAddress& dest, Bytes segment, Bytes key) {
  std::array<uint8_t, 40> pseudo{};
  size_t size = 0;
  const auto put = [&](Bytes octets) {
    std::copy(octets.begin(), octets.end(), pseudo.begin() + long(size));
    size += octets.size();
  };
  for (const IpAddress& end : {source, dest}) {
    std::array<uint8_t, 16> octets{};
    if (end.is_v4())
      store(be32(end.v4().value), MutableBytes(octets));
    else
      store(end.v6().without_zone(), MutableBytes(octets));
    put(Bytes(octets).first(end.is_v4() ? 4 : 16));
  }
  std::array<uint8_t, 8> rest{};
  if (source.is_v4()) {
    rest[1] = ip_protocol::tcp;
    store(be16(uint16_t(segment.size())), MutableBytes(rest).subspan(2));
    put(Bytes(rest).first(4));
  } else {
    store(be32(uint32_t(segment.size())), MutableBytes(rest));
    rest[7] = ip_protocol::tcp;
    put(rest);
  }
  auto header = load<TcpHeader>(segment);
  const Bytes data = segment.subspan(header.header_size());
  header.checksum = 0;
  std::array<uint8_t, sizeof(TcpHeader)> plain;
  store(header, plain);
  const std::unique_ptr<EVP_MD_CTX, void (*)(EVP_MD_CTX*)> context(EVP_MD_CTX_new(),
                                                                   EVP_MD_CTX_free);
  Digest digest{};
  check(context && EVP_DigestInit_ex(context.get(), EVP_md5(), nullptr), "libcrypto has MD5");
  for (const Bytes part : {Bytes(pseudo).first(size), Bytes(plain), data, key})
    check(EVP_DigestUpdate(context.get(), part.data(), part.size()), "a digest goes on");
  check(EVP_DigestFinal_ex(context.get(), digest.data(), nullptr), "a digest ends");
  return digest;
}

}  // namespace

// Fills in the option that make_segment has left room for. False: there is no key.
bool Tcp::sign(Packet& packet, const TcpEnds& ends) {
  const TcpKeys* keys = ip_.tcp_keys();
  const TcpKey* key = keys ? keys->find(ends.local.address, ends.foreign.address) : nullptr;
  if (!key) {
    ++counters.sig_err_buildsig;
    return false;
  }
  const Digest digest =
      digest_of(ends.local.address, ends.foreign.address, packet.octets(), key->key);
  const MutableBytes octets = packet.writable_front();
  const size_t header = load<TcpHeader>(octets).header_size();
  for (size_t at = sizeof(TcpHeader); at + 2 <= header;) {
    const uint8_t kind = octets[at];
    if (kind == tcp_option::end) break;
    if (kind == tcp_option::signature)
      std::copy(digest.begin(), digest.end(), octets.begin() + long(at) + 2);
    at += kind == tcp_option::nop ? 1 : octets[at + 1];
  }
  return true;
}

// Whether what a segment carries is right, while its header is still there.
bool Tcp::signature_right(Packet& packet, const TcpSegment& segment) {
  const TcpKeys* keys = ip_.tcp_keys();
  const TcpKey* key =
      keys ? keys->find(segment.ends.foreign.address, segment.ends.local.address) : nullptr;
  if (!key) return false;
  return digest_of(segment.ends.foreign.address, segment.ends.local.address, packet.octets(),
                   key->key) == segment.options.signature;
}

// Of a socket with TCP_MD5SIG. False: the segment ends here.
bool Tcp::signature_fits(const TcpSegment& segment) {
  if (!segment.options.has_signature) {
    ++counters.sig_err_nosigopt;
    drop(segment, drops::no_signature);
    return false;
  }
  ++(segment.signed_right ? counters.sig_rcvgoodsig : counters.sig_rcvbadsig);
  if (!segment.signed_right) drop(segment, drops::bad_signature);
  return segment.signed_right;
}

}  // namespace stackyard
