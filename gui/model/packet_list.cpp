#include "gui/model/packet_list.h"

#include <QHash>
#include <algorithm>
#include <nlohmann/json.hpp>

#include "core/base/text.h"
#include "core/capture/capture_file.h"
#include "lab/api/channel.h"

namespace stackyard::gui {

namespace {

QString words(const Json& params, const char* name) {
  return QString::fromStdString(params.value(name, std::string()));
}

// What packets, deaths and decisions have in common.
SeenPacket begun(const Json& params) {
  SeenPacket seen;
  seen.time = params.at("time").get<qint64>();
  seen.id = params.at("id").get<quint64>();
  seen.node = words(params, "node");
  return seen;
}

}  // namespace

PacketList::PacketList(const Colours& colours, QObject* parent, qint64 most)
    : QAbstractTableModel(parent), colours_(colours), shown_(most) {}

void PacketList::takePacket(const Json& params) {
  SeenPacket seen = begun(params);
  seen.number = ++last_number_;
  seen.link = words(params, "link");
  seen.text = words(params, "text");
  seen.length = params.at("length").get<int>();
  const auto octets = from_base64(params.at("data").get<std::string>());
  if (octets) seen.octets = QByteArray(octets->data(), qsizetype(octets->size()));
  waiting_.push_back(std::move(seen));
}

void PacketList::takeDrop(const Json& params) {
  SeenPacket seen = begun(params);
  seen.number = ++last_number_;
  seen.link = words(params, "place");
  seen.reason = words(params, "reason");
  seen.detail = words(params, "detail");
  seen.text = words(params, "sentence");
  waiting_.push_back(std::move(seen));
}

void PacketList::takeDecision(const Json& params) {
  SeenPacket seen = begun(params);
  seen.decision = words(params, "kind");
  seen.text = words(params, "sentence");
  decisions_.push_back(std::move(seen));
  if (decisions_.size() > decisions_most) decisions_.pop_front();
}

std::vector<SeenPacket> PacketList::story(int row) const {
  const quint64 id = packet(row).id;
  std::vector<SeenPacket> all;
  // A stack decides before the frame leaves: of one instant, decisions come first.
  for (const SeenPacket& packet : decisions_)
    if (packet.id == id) all.push_back(packet);
  for (SeenPacket& packet : shown_.of(id, size_t(row), around)) all.push_back(std::move(packet));
  std::stable_sort(all.begin(), all.end(),
                   [](const SeenPacket& a, const SeenPacket& b) { return a.time < b.time; });
  return all;
}

int PacketList::find(qint64 time, quint64 id) const {
  int low = 0, high = rows_;
  while (low < high) {  // rows are in the order of time
    const int middle = low + (high - low) / 2;
    (packet(middle).time < time ? low = middle + 1 : high = middle);
  }
  const int first = std::max(0, low - int(around)), last = std::min(rows_, low + int(around));
  for (int away = 0; low - away > first || low + away < last; ++away)
    for (const int row : {low + away, low - away - 1})
      if (row >= first && row < last && packet(row).id == id && !packet(row).died()) return row;
  return -1;
}

QString PacketList::save(const QString& path) const {
  const auto file = CaptureFile::create(path.toStdString());
  if (!file) return QString::fromStdString(std::string(errno_text(file.error())));
  QHash<QString, uint32_t> interfaces;
  for (size_t row = 0; row < shown_.size(); ++row) {
    const SeenPacket packet = shown_.at(row);
    if (packet.died()) continue;
    auto at = interfaces.find(packet.link);
    if (at == interfaces.end())
      at = interfaces.insert(packet.link, (*file)->add_interface(packet.link.toStdString(),
                                                                 LinkType::ethernet, 262144));
    const Bytes octets(reinterpret_cast<const uint8_t*>(packet.octets.constData()),
                       size_t(packet.octets.size()));
    (*file)->write({.interface = *at,
                    .time = SimTime(packet.time),
                    .length = uint32_t(packet.length),
                    .octets = octets,
                    .packet = packet.id});
  }
  const Result<> written = (*file)->flush();
  return written ? QString() : QString::fromStdString(std::string(errno_text(written.error())));
}

void PacketList::flush() {
  if (waiting_.empty()) return;
  size_t gone = 0;
  for (const SeenPacket& packet : waiting_) gone += shown_.add(packet);
  waiting_.clear();
  const int now = int(shown_.size());
  if (gone > 0) {  // all have other rows
    beginResetModel();
    rows_ = now;
    endResetModel();
    return;
  }
  beginInsertRows({}, rows_, now - 1);
  rows_ = now;
  endInsertRows();
}

void PacketList::clear() {
  beginResetModel();
  shown_.clear();
  rows_ = 0;
  waiting_.clear();
  decisions_.clear();
  last_number_ = 0;
  endResetModel();
}

int PacketList::rowCount(const QModelIndex& parent) const { return parent.isValid() ? 0 : rows_; }

int PacketList::columnCount(const QModelIndex& parent) const {
  return parent.isValid() ? 0 : int(Columns);
}

QVariant PacketList::data(const QModelIndex& index, int role) const {
  if (!index.isValid() || index.row() >= rowCount()) return {};
  if (role != Qt::DisplayRole && role != Qt::DecorationRole && role != Qt::ForegroundRole &&
      role != Qt::TextAlignmentRole)
    return {};
  const SeenPacket packet = shown_.at(size_t(index.row()));
  if (role == Qt::TextAlignmentRole && (index.column() == Number || index.column() == Length))
    return QVariant(Qt::AlignRight | Qt::AlignVCenter);
  if (role == Qt::DecorationRole && index.column() == Info)
    return packet.died() ? colours_.down : colours_.protocol(packet.text);
  if (role == Qt::ForegroundRole && packet.died()) return colours_.down;
  if (role != Qt::DisplayRole) return {};
  switch (index.column()) {
    case Number:
      return packet.number;
    case Time:
      return QString::fromStdString(seconds_text(SimTime(packet.time)));
    case Where:
      return packet.link.isEmpty() ? packet.node
                                   : packet.node + QStringLiteral(" ▸ ") + packet.link;
    case Length:
      return packet.died() ? QVariant() : QVariant(packet.length);
    default:
      return packet.died() ? tr("✗ %1: %2").arg(packet.reason, packet.text) : packet.text;
  }
}

QVariant PacketList::headerData(int section, Qt::Orientation orientation, int role) const {
  static const char* const titles[] = {QT_TR_NOOP("No."), QT_TR_NOOP("Time"), QT_TR_NOOP("Where"),
                                       QT_TR_NOOP("Length"), QT_TR_NOOP("What")};
  if (orientation != Qt::Horizontal || role != Qt::DisplayRole || section >= Columns) return {};
  return tr(titles[section]);
}

}  // namespace stackyard::gui
