// gui/model/packet_store.h - the packets that have been seen, in files: ten million of them take a
// few megabytes of memory.
#pragma once

#include <QByteArray>
#include <QHash>
#include <QString>
#include <QStringList>
#include <QTemporaryFile>
#include <deque>
#include <memory>
#include <vector>

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

class PacketStore {
 public:
  static constexpr qint64 octets_most = qint64(4) << 30;  // of disk; the oldest are forgotten

  explicit PacketStore(qint64 most = octets_most) : most_(most) {}
  // Gives how many of the oldest are forgotten for it.
  size_t add(const SeenPacket& packet);
  SeenPacket at(size_t row) const;
  size_t size() const { return rows_ - forgotten_; }
  void clear();
  // Everything of one packet, within so many rows of a row: it is not on its way for long.
  std::vector<SeenPacket> of(quint64 id, size_t row, size_t around) const;

 private:
  struct Segment {
    std::unique_ptr<QTemporaryFile> file;
    std::unique_ptr<uchar[]> memory;  // where no file can be
    uchar* octets = nullptr;
    size_t used = 0, first_row = 0;
    std::vector<quint32> offsets;  // of every 16th row
  };
  struct Record;
  bool grow();
  const uchar* find(size_t row) const;
  quint32 word(const QString& text);
  SeenPacket read(const uchar* at) const;

  qint64 most_;
  std::deque<Segment> segments_;
  size_t rows_ = 0, forgotten_ = 0;  // ever
  QStringList words_;                // names and reasons, by number
  QHash<QString, quint32> numbers_;
};

}  // namespace stackyard::gui
