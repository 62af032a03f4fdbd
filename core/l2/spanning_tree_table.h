// core/l2/spanning_tree_table.h - a tree's ports as a table: a switch's and a machine's look alike.
#pragma once

#include <string>

#include "core/l2/spanning_tree.h"
#include "core/table/table.h"

namespace stackyard {

// Columns: bridge, port, role, state, version, edge, cost, priority, root.
Table spanning_tree_table();
// A row of port `number`, which has a name; `bridge` is empty where there is only one.
void add_row(Table& to, const SpanningTree& tree, uint32_t number, std::string bridge,
             std::string port);

}  // namespace stackyard
