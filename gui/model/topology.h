// gui/model/topology.h - what the canvas draws: nodes, jails inside them, links, and where they
// are.
#pragma once

#include <QPointF>
#include <QString>
#include <QStringList>
#include <vector>

#include "lab/spec/lab_spec.h"

namespace stackyard::gui {

struct Topology {
  struct Node {
    QString name, kind;      // "srv/web"; "host", "router", "switch", "hub", "door", "jail"
    int parent = -1;         // of a jail
    std::vector<int> jails;  // right in it
    bool made = false;       // by a command while the lab runs: the file does not know it
    bool there = true;       // false: a jail of the file that has been removed since
    QPointF at;
    bool placed = false;
    QStringList interfaces, addresses, macs;
  };
  struct End {
    int node = 0;
    QString port;
  };
  struct Link {
    QString name;
    std::vector<End> ends;
    bool up = true;
  };
  struct Note {
    QString text;
    QPointF at;
  };
  std::vector<Node> nodes;
  std::vector<Link> links;
  std::vector<Note> notes;

  int nodeNamed(const QString& name) const;
  // "srv/web" of a node's own table names; the machine that a jail is on, else itself.
  int machineOf(int node) const;
  // Those that the running lab has now, by name, outer ones first: those of them that the file does
  // not know come behind all nodes, those that are there no more are marked.
  void setJails(const QStringList& there);
};

Topology topologyOf(const LabSpec& lab);

// Places what the file does not place, with Graphviz.
void layOut(Topology& topology);

}  // namespace stackyard::gui
