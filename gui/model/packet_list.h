// gui/model/packet_list.h - frames and deaths as they happen, newest last; the oldest are
// forgotten when their files are full.
#pragma once

#include <QAbstractTableModel>
#include <QByteArray>
#include <deque>
#include <nlohmann/json_fwd.hpp>

#include "gui/canvas/colours.h"
#include "gui/model/packet_store.h"

namespace stackyard::gui {

class PacketList final : public QAbstractTableModel {
  Q_OBJECT
 public:
  enum Column { Number, Time, Where, Length, Info, Columns };
  static constexpr size_t decisions_most = 500'000;
  static constexpr size_t around = 50'000;  // rows before and behind in which a story is told

  explicit PacketList(const Colours& colours, QObject* parent = nullptr,
                      qint64 most = PacketStore::octets_most);
  // Of `packet` and `drop` messages; shown by flush(), so that a flood costs few updates.
  void takePacket(const nlohmann::json& params);
  void takeDrop(const nlohmann::json& params);
  // A decision: not in the list, but of the packet's story.
  void takeDecision(const nlohmann::json& params);
  // One that is made already.
  void add(SeenPacket packet) { waiting_.push_back(std::move(packet)); }
  // Everything that is known of a row's packet, in the order of time: frames, decisions, its death.
  std::vector<SeenPacket> story(int row) const;
  // The row of a packet's frame that was seen nearest to an instant; -1: it is not in the list.
  int find(qint64 time, quint64 id) const;
  // Writes the frames in the list as pcapng; what went wrong, or empty.
  QString save(const QString& path) const;
  void flush();
  void clear();
  SeenPacket packet(int row) const { return shown_.at(size_t(row)); }
  size_t waiting() const { return waiting_.size(); }

  int rowCount(const QModelIndex& parent = {}) const override;
  int columnCount(const QModelIndex& parent = {}) const override;
  QVariant data(const QModelIndex& index, int role = Qt::DisplayRole) const override;
  QVariant headerData(int section, Qt::Orientation orientation, int role) const override;

 private:
  const Colours& colours_;
  PacketStore shown_;
  int rows_ = 0;  // of it that views know of
  std::vector<SeenPacket> waiting_;
  std::deque<SeenPacket> decisions_;
  qint64 last_number_ = 0;
};

}  // namespace stackyard::gui
