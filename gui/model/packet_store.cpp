#include "gui/model/packet_store.h"

#include <QDir>
#include <algorithm>
#include <cstring>

namespace stackyard::gui {

namespace {

constexpr size_t segment_octets = size_t(16) << 20;
constexpr size_t indexed = 16;  // rows from one known place to the next

}  // namespace

// Before the text's and the packet's octets.
struct PacketStore::Record {
  quint32 whole;  // with what follows
  qint32 length;
  qint64 time, number;
  quint64 id;
  quint32 node, link, reason, detail;
  quint32 text, data;  // octets of them
};

quint32 PacketStore::word(const QString& text) {
  const auto found = numbers_.constFind(text);
  if (found != numbers_.constEnd()) return *found;
  const auto number = quint32(words_.size());
  words_.append(text);
  numbers_.insert(text, number);
  return number;
}

bool PacketStore::grow() {
  Segment segment;
  segment.first_row = rows_;
  auto file = std::make_unique<QTemporaryFile>(
      QDir::temp().filePath(QStringLiteral("stackyard-packets-XXXXXX")));
  if (file->open() && file->resize(qint64(segment_octets)))
    segment.octets = file->map(0, qint64(segment_octets));
  if (segment.octets) {
    segment.file = std::move(file);
  } else {
    segment.memory = std::make_unique<uchar[]>(segment_octets);
    segment.octets = segment.memory.get();
  }
  segments_.push_back(std::move(segment));
  return qint64(segments_.size() * segment_octets) > most_ && segments_.size() > 2;
}

size_t PacketStore::add(const SeenPacket& packet) {
  const QByteArray text = packet.text.toUtf8();
  Record record{};
  record.whole = quint32((sizeof(Record) + size_t(text.size()) + size_t(packet.octets.size()) + 7) &
                         ~size_t(7));
  record.length = packet.length;
  record.time = packet.time;
  record.number = packet.number;
  record.id = packet.id;
  record.node = word(packet.node);
  record.link = word(packet.link);
  record.reason = word(packet.reason);
  record.detail = word(packet.detail);
  record.text = quint32(text.size());
  record.data = quint32(packet.octets.size());
  size_t gone = 0;
  if (segments_.empty() || segments_.back().used + record.whole > segment_octets) {
    if (grow()) {
      gone = segments_[1].first_row - forgotten_;
      forgotten_ = segments_[1].first_row;
      segments_.pop_front();
    }
  }
  Segment& segment = segments_.back();
  if ((rows_ - segment.first_row) % indexed == 0) segment.offsets.push_back(quint32(segment.used));
  uchar* at = segment.octets + segment.used;
  std::memcpy(at, &record, sizeof record);
  std::memcpy(at + sizeof record, text.constData(), size_t(text.size()));
  std::memcpy(at + sizeof record + text.size(), packet.octets.constData(),
              size_t(packet.octets.size()));
  segment.used += record.whole;
  ++rows_;
  return gone;
}

const uchar* PacketStore::find(size_t row) const {
  const size_t ever = row + forgotten_;
  const auto segment =
      std::upper_bound(segments_.begin(), segments_.end(), ever,
                       [](size_t r, const Segment& s) { return r < s.first_row; }) -
      1;
  const size_t inside = ever - segment->first_row;
  const uchar* at = segment->octets + segment->offsets[inside / indexed];
  for (size_t i = 0; i < inside % indexed; ++i) {
    quint32 whole = 0;
    std::memcpy(&whole, at, sizeof whole);
    at += whole;
  }
  return at;
}

SeenPacket PacketStore::read(const uchar* at) const {
  Record record;
  std::memcpy(&record, at, sizeof record);
  SeenPacket packet;
  packet.number = record.number;
  packet.time = record.time;
  packet.id = record.id;
  packet.length = record.length;
  packet.node = words_[record.node];
  packet.link = words_[record.link];
  packet.reason = words_[record.reason];
  packet.detail = words_[record.detail];
  const auto* text = reinterpret_cast<const char*>(at + sizeof record);
  packet.text = QString::fromUtf8(text, record.text);
  packet.octets = QByteArray(text + record.text, record.data);
  return packet;
}

SeenPacket PacketStore::at(size_t row) const { return read(find(row)); }

std::vector<SeenPacket> PacketStore::of(quint64 id, size_t row, size_t around) const {
  std::vector<SeenPacket> all;
  const size_t end = std::min(size(), row + around);
  for (size_t i = row > around ? row - around : 0; i < end; ++i) {
    const uchar* at = find(i);
    Record record;
    std::memcpy(&record, at, sizeof record);
    if (record.id == id) all.push_back(read(at));
  }
  return all;
}

void PacketStore::clear() {
  segments_.clear();
  rows_ = forgotten_ = 0;
}

}  // namespace stackyard::gui
