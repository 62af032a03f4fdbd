#include "gui/model/schema.h"

#include <QFile>
#include <nlohmann/json.hpp>

// The program's resources are in a library, which has to be told so.
static void load_resources() { Q_INIT_RESOURCE(gui); }

namespace stackyard::gui {

using nlohmann::json;

namespace {

bool hasType(const json& value, const char* type) {
  const auto found = value.find("type");
  if (found == value.end()) return false;
  if (found->is_string()) return *found == type;
  for (const json& one : *found)
    if (one == type) return true;
  return false;
}

// An example of what a pattern of the schema wants.
QString formOf(const json& value) {
  const std::string pattern = value.value("pattern", "");
  if (pattern.find("ns|us|ms") != std::string::npos) return QStringLiteral("10ms");
  if (pattern.find("%") != std::string::npos) return QStringLiteral("1%");
  if (pattern.find("mbit") != std::string::npos) return QStringLiteral("10mbit");
  if (pattern.find("KiB") != std::string::npos) return QStringLiteral("50p");
  if (pattern.find(" -- ") != std::string::npos) return QStringLiteral("a -- b");
  return {};
}

}  // namespace

Schema::Schema() {
  load_resources();
  QFile file(QStringLiteral(":/lab.schema.json"));
  const bool there = file.open(QIODevice::ReadOnly);
  root_ = std::make_unique<json>(there ? json::parse(file.readAll().toStdString(), nullptr, false)
                                       : json::object());
}

Schema::~Schema() = default;

// Behind references; of several forms the richest, or the one that is a scalar.
const json* Schema::resolved(const json* value, bool scalar) const {
  for (int deep = 0; value && deep < 16; ++deep) {
    if (const auto ref = value->find("$ref"); ref != value->end()) {
      const std::string name = ref->get<std::string>().substr(sizeof "#/$defs/" - 1);
      value = &root_->at("$defs").at(name);
    } else if (const auto all = value->find("oneOf"); all != value->end()) {
      const json* chosen = &all->front();
      for (const json& one : *all) {
        const json* inner = resolved(&one);
        if (!scalar && (hasType(*inner, "object") || (hasType(*inner, "array"))))
          if (!hasType(*chosen, "object")) chosen = inner;
      }
      value = chosen;
    } else {
      break;
    }
  }
  return value;
}

const json* Schema::at(const QStringList& path) const {
  const json* value = resolved(root_.get());
  for (const QString& step : path) {
    if (!value) return nullptr;
    if (hasType(*value, "array")) {
      const auto items = value->find("items");
      value = items == value->end() ? nullptr : resolved(&*items);
      continue;
    }
    const json* next = nullptr;
    if (const auto own = value->find("properties"); own != value->end())
      if (const auto key = own->find(step.toStdString()); key != own->end()) next = &*key;
    if (const auto all = value->find("allOf"); !next && all != value->end())
      for (const json& one : *all) {
        const json* part = resolved(&one);
        if (part->contains("properties") && part->at("properties").contains(step.toStdString()))
          next = &part->at("properties").at(step.toStdString());
      }
    if (const auto free = value->find("additionalProperties");
        !next && free != value->end() && free->is_object())
      next = &*free;
    value = next ? resolved(next) : nullptr;
  }
  return value;
}

SchemaKey Schema::described(const QString& name, const json& value) const {
  SchemaKey key;
  key.name = name;
  const json* inner = resolved(&value);
  if (const auto all = inner->find("enum"); all != inner->end()) {
    key.kind = SchemaKey::Kind::choice;
    for (const json& one : *all)
      key.choices.append(one.is_string() ? QString::fromStdString(one.get<std::string>())
                                         : QString::fromStdString(one.dump()));
  } else if (hasType(*inner, "object")) {
    key.kind = SchemaKey::Kind::map;
  } else if (hasType(*inner, "array")) {
    key.kind = SchemaKey::Kind::list;
  } else if (hasType(*inner, "boolean") && !hasType(*inner, "string")) {
    key.kind = SchemaKey::Kind::boolean;
    key.choices = {QStringLiteral("true"), QStringLiteral("false")};
  } else if (hasType(*inner, "integer")) {
    key.kind = SchemaKey::Kind::integer;
  }
  key.form = formOf(*inner);
  if (name == QLatin1String("kind"))  // which of them a place may have is the reader's business
    key.choices = {QStringLiteral("host"), QStringLiteral("router"), QStringLiteral("switch"),
                   QStringLiteral("hub"), QStringLiteral("door")};
  return key;
}

std::vector<SchemaKey> Schema::keysAt(const QStringList& path) const {
  std::vector<SchemaKey> keys;
  const json* value = at(path);
  if (!value) return keys;
  std::vector<const json*> parts{value};
  if (const auto all = value->find("allOf"); all != value->end())
    for (const json& one : *all) parts.push_back(resolved(&one));
  for (const json* part : parts)
    if (const auto own = part->find("properties"); own != part->end())
      for (const auto& [name, inner] : own->items())
        keys.push_back(described(QString::fromStdString(name), inner));
  return keys;
}

bool Schema::isFree(const QStringList& path) const {
  const json* value = at(path);
  return value && value->contains("additionalProperties") &&
         value->at("additionalProperties").is_object();
}

SchemaKey Schema::keyAt(const QStringList& path) const {
  const json* value = at(path);
  return value ? described(path.isEmpty() ? QString() : path.last(), *value) : SchemaKey{};
}

}  // namespace stackyard::gui
