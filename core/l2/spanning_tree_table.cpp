#include "core/l2/spanning_tree_table.h"

#include "core/base/text.h"

namespace stackyard {

Table spanning_tree_table() {
  return {{{"bridge", "Bridge"},
           {"port", "Port"},
           {"role", "Role"},
           {"state", "State"},
           {"version", "Version"},
           {"edge", "Edge"},
           {"cost", "Path cost", ColumnType::number},
           {"priority", "Priority", ColumnType::number},
           {"root", "Root"}},
          {}};
}

void add_row(Table& to, const SpanningTree& tree, uint32_t number, std::string bridge,
             std::string port) {
  const SpanningTree::PortInfo info = tree.info(number);
  to.rows.push_back({std::move(bridge), std::move(port), std::string(name_of(info.role)),
                     std::string(name_of(info.state)), std::string(name_of(info.version)),
                     std::string(info.edge ? "yes" : "no"), int64_t(info.path_cost),
                     int64_t(info.priority),
                     text("{}/{}", tree.root().priority, to_text(tree.root().mac))});
}

}  // namespace stackyard
