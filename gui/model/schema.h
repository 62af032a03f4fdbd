// gui/model/schema.h - what a lab file can say, by its published schema: forms and completion are
// made from it, so that a new key appears by itself.
#pragma once

#include <QString>
#include <QStringList>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <vector>

namespace stackyard::gui {

struct SchemaKey {
  enum class Kind { text, integer, boolean, choice, list, map };
  QString name;
  Kind kind = Kind::text;
  QStringList choices;
  QString form;  // what its text looks like: "10ms"; empty: anything
};

class Schema {
 public:
  Schema();
  ~Schema();
  // The keys that the map at a path may have: {"nodes", "pc1", "interfaces", "em0"}. Empty: none,
  // or names of one's own (see `free`).
  std::vector<SchemaKey> keysAt(const QStringList& path) const;
  // Whether the map there has names that its author chooses, as `nodes`, `interfaces`, `sysctl`.
  bool isFree(const QStringList& path) const;
  SchemaKey keyAt(const QStringList& path) const;

 private:
  const nlohmann::json* resolved(const nlohmann::json* value, bool scalar = false) const;
  const nlohmann::json* at(const QStringList& path) const;
  SchemaKey described(const QString& name, const nlohmann::json& value) const;

  std::unique_ptr<nlohmann::json> root_;
};

}  // namespace stackyard::gui
