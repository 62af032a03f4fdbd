#include "lab/run/trace_writer.h"

#include "core/base/text.h"
#include "core/dissect/dissect.h"

namespace stackyard {

TraceWriter::TraceWriter(Lab& lab) : lab_(lab) {
  for (size_t i = 0; i < lab.spec().links.size(); ++i)
    tap_names_[lab.tap_link(i)] = lab.spec().links[i].name;
}

void TraceWriter::line(const TraceStamp& stamp, NodeId node, const std::string& words) {
  const std::string whole = stackyard::text("{} {} {}\n", seconds_text(stamp.key.time),
                                            lab_.simulation().node_name(node), words);
  hash_ = hash_text(whole, hash_);
  text_ += whole;
}

void TraceWriter::frame(const TraceStamp& stamp, const FrameNote& note) {
  const auto link = tap_names_.find(note.tap);
  if (link == tap_names_.end()) return;  // another observer's tap
  hash_ = hash_text(text_of(note.octets), hash_);
  line(stamp, note.node,
       stackyard::text("{} #{}.{} {}", link->second, packet_origin(note.packet),
                       packet_number(note.packet), one_line(note.octets)));
}

void TraceWriter::drop(const TraceStamp& stamp, const DropNote& note) {
  line(stamp, note.node,
       stackyard::text("drop {} #{}.{} {}{}", note.place, packet_origin(note.packet),
                       packet_number(note.packet), note.reason->name,
                       note.detail.empty() ? "" : stackyard::text(" [{}]", note.detail)));
}

void TraceWriter::log(const TraceStamp& stamp, const LogNote& note) {
  line(stamp, note.node, "log " + std::string(note.line));
}

void TraceWriter::decision(const TraceStamp& stamp, const DecisionNote& note) {
  line(
      stamp, note.node,
      stackyard::text(
          "decision {} #{}.{} {} by {}/{} if {}", decision_name(note.kind),
          packet_origin(note.packet), packet_number(note.packet), to_text(note.address),
          note.kind == DecisionKind::route ? to_text(note.network) : stackyard::text("{}", note.by),
          note.by_length, note.interface));
}

}  // namespace stackyard
