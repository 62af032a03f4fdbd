#include "gui/app/language.h"

#include <QApplication>
#include <QLibraryInfo>
#include <QLocale>
#include <QTranslator>

// Of a static library, which the linker would leave out; not in a namespace.
static void load_translations() { Q_INIT_RESOURCE(translations); }

namespace stackyard::gui {

void setLanguage(QApplication& application, const QString& name) {
  load_translations();
  const QLocale locale = name.isEmpty() ? QLocale::system() : QLocale(name);
  QLocale::setDefault(locale);
  const auto load = [&](const QString& of, const QString& folder) {
    auto* translator = new QTranslator(&application);
    if (translator->load(locale, of, QStringLiteral("_"), folder))
      QCoreApplication::installTranslator(translator);
    else
      delete translator;
  };
  // Qt's own words (of its dialogues), then ours.
  load(QStringLiteral("qtbase"), QLibraryInfo::path(QLibraryInfo::TranslationsPath));
  load(QStringLiteral("stackyard"), QStringLiteral(":/translations"));
}

}  // namespace stackyard::gui
