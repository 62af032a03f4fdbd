#include "lab/run/captures.h"

#include <filesystem>

#include "core/base/text.h"

namespace stackyard {

namespace {
constexpr uint32_t snaplen_all = 262144;
}

std::vector<uint32_t> Captures::tap(const Tap& tap, uint32_t snaplen, File& file) {
  const LabSpec& spec = lab_.spec();
  struct Spot {
    std::string name;
    size_t node;
    std::string port;  // empty: the link itself
    LinkType type;
  };
  std::vector<Spot> spots;
  if (tap.kind == Tap::Kind::link) {
    spots.push_back({spec.links[tap.index].name, tap.index, "", LinkType::ethernet});
  } else if (tap.kind == Tap::Kind::node) {
    const NodeSpec& node = spec.nodes[tap.index];
    for (const InterfaceSpec& i : node.interfaces)
      spots.push_back(
          {node.name + ":" + i.name, tap.index, i.name,
           i.loopback() || i.type == InterfaceType::tun ? LinkType::null : LinkType::ethernet});
    for (const std::string& port : node.ports)
      spots.push_back({node.name + ":" + port, tap.index, port, LinkType::ethernet});
  } else {
    spots.push_back({tap.text, tap.index, tap.port,
                     tap.port.starts_with("lo") || tap.port.starts_with("tun")
                         ? LinkType::null
                         : LinkType::ethernet});
  }
  std::vector<uint32_t> numbers;
  for (const Spot& spot : spots) {
    auto found = taps_.find(spot.name);
    if (found == taps_.end()) {
      const uint32_t number =
          spot.port.empty() ? lab_.tap_link(spot.node) : lab_.tap_port(spot.node, spot.port);
      found = taps_.emplace(spot.name, number).first;
    }
    numbers.push_back(found->second);
    if (!file.interfaces.contains(found->second))
      file.interfaces[found->second] =
          file.file->add_interface(spot.name, spot.type, snaplen ? snaplen : snaplen_all);
  }
  return numbers;
}

std::string Captures::open(const std::string& folder) {
  for (const CaptureSpec& spec : lab_.spec().captures) {
    auto& slot = files_[spec.file];
    if (!slot) {
      const std::filesystem::path path = std::filesystem::path(folder) / spec.file;
      std::error_code error;
      std::filesystem::create_directories(path.parent_path(), error);
      auto file = CaptureFile::create(path.string());
      if (!file) return text("{}: {}", path.string(), errno_text(file.error()));
      slot = std::make_unique<File>(File{path.string(), std::move(*file), {}});
    }
    captures_.push_back({&spec,
                         slot.get(),
                         PacketFilter::compile(spec.filter).filter,
                         {},
                         0,
                         spec.to.value_or(SimTime::max())});
    for (const Tap& t : spec.taps)
      for (uint32_t number : tap(t, spec.snaplen, *slot)) captures_.back().taps.push_back(number);
  }
  return flush();
}

void Captures::frame(const TraceStamp& stamp, const FrameNote& note) {
  if (stamp.key != pending_key_) {
    write_pending();
    pending_key_ = stamp.key;
  }
  pending_.push_back({note, {note.octets.begin(), note.octets.end()}, ""});
}

void Captures::drop(const TraceStamp& stamp, const DropNote& note) {
  if (stamp.key != pending_key_) return;
  for (auto p = pending_.rbegin(); p != pending_.rend(); ++p) {
    if (p->note.packet != note.packet || p->note.node != note.node) continue;
    p->comment = text("dropped by {} ({}): {}", lab_.simulation().node_name(note.node), note.place,
                      note.reason->sentence);
    if (!note.detail.empty()) p->comment += text(" [{}]", note.detail);
    return;
  }
}

void Captures::write(const Pending& pending, SimTime time) {
  for (Capture& capture : captures_) {
    const bool tapped =
        std::find(capture.taps.begin(), capture.taps.end(), pending.note.tap) != capture.taps.end();
    const CaptureSpec& spec = *capture.spec;
    if (!tapped || time < spec.from || time > capture.to) continue;
    if (spec.packets && capture.packets >= *spec.packets) continue;
    if (spec.size && capture.file->file->octets_written() >= *spec.size) continue;
    if (!capture.filter.matches(pending.octets, pending.note.length)) continue;
    ++capture.packets;
    Bytes octets = pending.octets;
    if (spec.snaplen && octets.size() > spec.snaplen) octets = octets.first(spec.snaplen);
    capture.file->file->write({.interface = capture.file->interfaces.at(pending.note.tap),
                               .time = time,
                               .length = pending.note.length,
                               .octets = octets,
                               .outbound = pending.note.outbound,
                               .packet = pending.note.packet,
                               .comment = pending.comment});
  }
}

void Captures::write_pending() {
  for (const Pending& pending : pending_) write(pending, pending_key_.time);
  pending_.clear();
}

std::string Captures::flush() {
  write_pending();
  for (auto& [name, file] : files_) {
    if (const Result<> done = file->file->flush(); !done && failure_.empty())
      failure_ = text("{}: {}", file->path, errno_text(done.error()));
  }
  return failure_;
}

std::vector<std::string> Captures::files() const {
  std::vector<std::string> paths;
  for (const auto& [name, file] : files_) paths.push_back(file->path);
  return paths;
}

}  // namespace stackyard
