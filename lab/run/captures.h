// lab/run/captures.h - a lab's captures: which frames go to which file, with comments on the dead.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "core/capture/capture_file.h"
#include "core/capture/filter.h"
#include "core/trace/observer.h"
#include "lab/build/lab.h"

namespace stackyard {

class Captures final : public Observer {
 public:
  explicit Captures(Lab& lab) : lab_(lab) {}

  // Opens all files below `folder`; the text is what went wrong, or empty. Before the run.
  std::string open(const std::string& folder);
  // Writes out everything; the text is what went wrong, or empty.
  std::string flush();
  bool failed() const { return !failure_.empty(); }
  const std::string& failure() const { return failure_; }
  std::vector<std::string> files() const;

  void frame(const TraceStamp& stamp, const FrameNote& note) override;
  void drop(const TraceStamp& stamp, const DropNote& note) override;

 private:
  struct File {
    std::string path;
    std::unique_ptr<CaptureFile> file;
    std::map<uint32_t, uint32_t> interfaces;  // by tap
  };
  struct Capture {
    const CaptureSpec* spec;
    File* file;
    PacketFilter filter;
    std::vector<uint32_t> taps;
    uint64_t packets = 0;
    SimTime to;
  };
  struct Pending {  // a frame of the event that is being told: its death may follow
    FrameNote note;
    std::vector<uint8_t> octets;
    std::string comment;
  };

  void write_pending();
  void write(const Pending& pending, SimTime time);
  std::vector<uint32_t> tap(const Tap& tap, uint32_t snaplen, File& file);

  Lab& lab_;
  std::map<std::string, std::unique_ptr<File>> files_;
  std::vector<Capture> captures_;
  std::map<std::string, uint32_t> taps_;  // by place
  std::vector<Pending> pending_;
  EventKey pending_key_;
  std::string failure_;
};

}  // namespace stackyard
