// lab/spec/lab_edit.h - what a user does to a lab, as changes of its text: nodes, jails, links,
// places and notes come, go and change their names, and whatever refers to them follows.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "lab/spec/lab_spec.h"
#include "lab/spec/lab_text.h"

namespace stackyard {

// Where a text names a node or a link.
struct Reference {
  LabText::Path path;  // of what has no meaning without it: a link, a route, a check, a place
  size_t begin, end;   // of the name, in octets
};
// Of a node: also what is in it, "srv/web" and "srv:em0" for srv.
std::vector<Reference> node_references(const LabText& text, const std::string& node);
std::vector<Reference> link_references(const LabText& text, const std::string& link);

class LabEdit {
 public:
  struct Position {
    std::string node;
    int x = 0, y = 0;
  };

  // `lab` is what the text was read as, without errors. Every edit is done wholly or not at all;
  // then problems() says why. One edit each: afterwards the text has to be read again.
  LabEdit(std::string text, const LabSpec& lab) : text_(std::move(text)), lab_(lab) {}
  const std::string& text() const { return text_.text(); }
  Problems& problems() { return problems_; }

  // `keys` beside the kind, as "tap: tap0" of a door.
  bool add_node(const std::string& name, const std::string& kind, const std::string& parent = {},
                const std::string& keys = {});
  // Several at once, each node with its value: {"r1", "{kind: router}"}; links as add_link() has
  // them, or as maps.
  bool grow(const std::vector<std::pair<std::string, std::string>>& nodes,
            const std::vector<std::string>& links, const std::vector<Position>& places);
  // "pc1 -- sw1:p3"
  bool add_link(const std::string& ends);
  // With the links, routes, checks and places that name them.
  bool remove(const std::vector<std::string>& nodes, const std::vector<size_t>& links,
              const std::vector<size_t>& notes);
  bool rename_node(const std::string& node, const std::string& leaf);
  bool rename_link(size_t link, const std::string& name);
  // A key of a node, or below it: {"interfaces", "em0", "mtu"}. Without a value: no longer.
  bool set_node(const std::string& node, const LabText::Path& key, const std::string& yaml);
  bool unset_node(const std::string& node, const LabText::Path& key);
  bool set_link(size_t link, const LabText::Path& key, const std::string& yaml);
  bool unset_link(size_t link, const LabText::Path& key);
  // A key of the lab itself.
  bool set(const LabText::Path& key, const std::string& yaml);
  bool unset(const LabText::Path& key);
  bool move(const std::vector<Position>& nodes);
  bool add_note(const std::string& words, int x, int y);
  bool set_note(size_t note, const LabText::Path& key, const std::string& yaml);

  // The path of the entry that a node comes from; `counted` if others come from it too.
  LabText::Path entry_of(const std::string& node, bool& counted) const;
  LabText::Path item_of(size_t link) const;

 private:
  bool refuse(Place place, const std::string& why, const std::string& advice);
  LabText::Path alone(const std::string& node);
  bool remove_paths(std::vector<LabText::Path> paths);
  bool drop_if_empty(LabText::Path path);
  bool rename_references(const std::vector<Reference>& all, const std::string& name);

  LabText text_;
  const LabSpec& lab_;
  Problems problems_;
};

}  // namespace stackyard
