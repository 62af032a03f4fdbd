// gui/model/conversation.h - the packets of one conversation, as the steps of a ladder.
#pragma once

#include <QString>
#include <QStringList>
#include <vector>

#include "gui/model/packet_store.h"
#include "gui/model/topology.h"

namespace stackyard::gui {

class PacketList;

struct Conversation {
  struct Step {
    qint64 time = 0;
    int row = 0;           // in the list of packets
    int from = 0, to = 0;  // columns; equal: it died there
    QString text, link;
    bool died = false;
  };
  QString title;
  QStringList columns;  // nodes, in the order in which they are met
  std::vector<Step> steps;
};

// "10.0.0.1.80" and "10.0.0.2.1024", in order, of "IP 10.0.0.2.1024 > 10.0.0.1.80: ..."; of what
// has no two ends, none.
QString endsOf(const QString& text);

// Of the packet in a row and all with the same two ends, `most` at the most.
Conversation conversationOf(const PacketList& packets, int row, const Topology& topology,
                            size_t most = 2000);

}  // namespace stackyard::gui
