// gui/model/packet_list.h - frames and deaths as they happen, newest last; the oldest are
// forgotten.
#pragma once

#include <QAbstractTableModel>
#include <QByteArray>
#include <deque>
#include <nlohmann/json_fwd.hpp>

#include "gui/canvas/colours.h"

namespace stackyard::gui {

struct SeenPacket {
  qint64 number = 0, time = 0;  // nanoseconds
  quint64 id = 0;
  QString node, link, text;
  QByteArray octets;  // none: a death
  int length = 0;
  QString reason, detail;  // of a death
  QString decision;        // what a stack decided about it: of that kind; `text` is the sentence
  bool died() const { return !reason.isEmpty(); }
};

class PacketList final : public QAbstractTableModel {
  Q_OBJECT
 public:
  enum Column { Number, Time, Where, Length, Info, Columns };
  static constexpr size_t most = 500'000;  // and of decisions as many

  explicit PacketList(const Colours& colours, QObject* parent = nullptr);
  // Of `packet` and `drop` messages; shown by flush(), so that a flood costs few updates.
  void takePacket(const nlohmann::json& params);
  void takeDrop(const nlohmann::json& params);
  // A decision: not in the list, but of the packet's story.
  void takeDecision(const nlohmann::json& params);
  // Everything that is known of a packet, in the order of time: frames, decisions, its death.
  std::vector<SeenPacket> story(quint64 id) const;
  // Writes the frames in the list as pcapng; what went wrong, or empty.
  QString save(const QString& path) const;
  void flush();
  void clear();
  const SeenPacket& packet(int row) const { return shown_[size_t(row)]; }
  size_t waiting() const { return waiting_.size(); }

  int rowCount(const QModelIndex& parent = {}) const override;
  int columnCount(const QModelIndex& parent = {}) const override;
  QVariant data(const QModelIndex& index, int role = Qt::DisplayRole) const override;
  QVariant headerData(int section, Qt::Orientation orientation, int role) const override;

 private:
  const Colours& colours_;
  std::deque<SeenPacket> shown_;
  std::vector<SeenPacket> waiting_;
  std::deque<SeenPacket> decisions_;
  qint64 last_number_ = 0;
};

}  // namespace stackyard::gui
