// core/capture/capture_file.h - pcapng and classic pcap files, with nanoseconds.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "core/base/bytes.h"
#include "core/base/ids.h"
#include "core/base/result.h"

namespace stackyard {

enum class LinkType : uint16_t { null = 0, ethernet = 1 };  // LINKTYPE_ values of the pcap registry

struct CapturedFrame {
  uint32_t interface = 0;  // as returned by add_interface
  SimTime time;
  uint32_t length = 0;  // on the wire
  Bytes octets;         // perhaps fewer
  bool outbound = false;
  PacketId packet = 0;       // pcapng: epb_packetid
  std::string_view comment;  // pcapng only
};

class CaptureFile {
 public:
  virtual ~CaptureFile() = default;
  // Declares an interface; classic pcap has one without a name.
  virtual uint32_t add_interface(const std::string& name, LinkType type, uint32_t snaplen) = 0;
  virtual void write(const CapturedFrame& frame) = 0;
  // Writes out what is buffered. An error stays: a file that failed once takes no more.
  virtual Result<> flush() = 0;
  virtual uint64_t octets_written() const = 0;

  // By the name's end: ".pcap" is classic, anything else pcapng. The folder must exist.
  static Result<std::unique_ptr<CaptureFile>> create(const std::string& path);
  // The same into a string, which the caller owns and which must outlive the file.
  static std::unique_ptr<CaptureFile> to_memory(std::string& to, bool classic);
};

}  // namespace stackyard
