// lab/run/trace_writer.h - a run as readable text: what left every interface, what died, what was
// logged. Goldens and the comparison of executors are made of it.
#pragma once

#include <string>

#include "core/trace/observer.h"
#include "lab/build/lab.h"

namespace stackyard {

class TraceWriter final : public Observer {
 public:
  // Taps every link of the lab.
  explicit TraceWriter(Lab& lab);

  void frame(const TraceStamp& stamp, const FrameNote& note) override;
  void drop(const TraceStamp& stamp, const DropNote& note) override;
  void log(const TraceStamp& stamp, const LogNote& note) override;
  void decision(const TraceStamp& stamp, const DecisionNote& note) override;

  const std::string& text() const { return text_; }
  // FNV-1a of everything, octets included: equal runs, equal hashes.
  uint64_t hash() const { return hash_; }

 private:
  void line(const TraceStamp& stamp, NodeId node, const std::string& words);

  Lab& lab_;
  std::string text_;
  uint64_t hash_ = 0xcbf29ce484222325;
  std::map<uint32_t, std::string> tap_names_;
};

}  // namespace stackyard
