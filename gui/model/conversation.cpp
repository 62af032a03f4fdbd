#include "gui/model/conversation.h"

#include <QRegularExpression>

#include "gui/model/packet_list.h"

namespace stackyard::gui {

namespace {

constexpr int searched = 200'000;  // rows, before and behind

// The other end of a link with two; of a segment, the one that the frame is for is not known.
QString otherEnd(const Topology& topology, const QString& link, const QString& from) {
  for (const Topology::Link& each : topology.links) {
    if (each.name != link) continue;
    for (const Topology::End& end : each.ends) {
      const QString machine = topology.nodes[size_t(topology.machineOf(end.node))].name;
      if (machine != from) return machine;
    }
  }
  return from;
}

}  // namespace

QString endsOf(const QString& text) {
  static const QRegularExpression two(QStringLiteral("IP6? (\\S+) > ([^\\s:]\\S*?):? "));
  const auto match = two.match(text + QLatin1Char(' '));
  if (!match.hasMatch()) return {};
  QString a = match.captured(1), b = match.captured(2);
  if (b.endsWith(QLatin1Char(':'))) b.chop(1);
  return a < b ? a + QStringLiteral(" – ") + b : b + QStringLiteral(" – ") + a;
}

Conversation conversationOf(const PacketList& packets, int row, const Topology& topology,
                            size_t most) {
  Conversation told;
  const SeenPacket chosen = packets.packet(row);
  const QString ends = endsOf(chosen.text);
  told.title = ends.isEmpty() ? chosen.text.section(QLatin1Char(','), 0, 0) : ends;
  const auto column = [&](const QString& node) {
    const auto known = told.columns.indexOf(node);
    if (known >= 0) return int(known);
    told.columns.append(node);
    return int(told.columns.size()) - 1;
  };
  QHash<quint64, bool> ours;  // deaths have no ends in their words
  const int end = std::min(packets.rowCount(), row + searched);
  for (int i = std::max(0, row - searched); i < end && told.steps.size() < most; ++i) {
    const SeenPacket packet = packets.packet(i);
    const bool same = packet.died()    ? ours.contains(packet.id)
                      : ends.isEmpty() ? packet.id == chosen.id
                                       : endsOf(packet.text) == ends;
    if (!same) continue;
    ours.insert(packet.id, true);
    Conversation::Step step;
    step.time = packet.time;
    step.row = i;
    step.from = column(packet.node);
    step.died = packet.died();
    step.to = step.died ? step.from : column(otherEnd(topology, packet.link, packet.node));
    step.link = packet.link;
    step.text = step.died ? packet.reason + QStringLiteral(": ") + packet.text : packet.text;
    told.steps.push_back(std::move(step));
  }
  return told;
}

}  // namespace stackyard::gui
