// tests/gui/gui_language_test.cpp - the window in another language, and whether its translation is
// whole.
#include <QApplication>
#include <QLibraryInfo>
#include <QMenuBar>
#include <QProcess>
#include <QTemporaryDir>
#include <QTest>
#include <QXmlStreamReader>
#include <set>

#include "gui/app/language.h"
#include "gui/app/main_window.h"
#include "gui/client/lab_process.h"
#include "gui/panels/gallery.h"

using namespace stackyard::gui;

namespace {

QString translationFile() {
  return Gallery::folder() + QStringLiteral("/../gui/translations/stackyard_de.ts");
}

struct Message {
  QString source, type;
  QStringList translations;  // one, or one for each number
};

std::vector<Message> messagesOf(const QString& path) {
  std::vector<Message> all;
  QFile file(path);
  if (!file.open(QIODevice::ReadOnly)) return all;
  QXmlStreamReader xml(&file);
  while (!xml.atEnd()) {
    if (xml.readNext() != QXmlStreamReader::StartElement) continue;
    if (xml.name() == QLatin1String("message")) all.emplace_back();
    if (xml.name() == QLatin1String("source")) all.back().source = xml.readElementText();
    if (xml.name() == QLatin1String("numerusform"))
      all.back().translations.append(xml.readElementText());
    if (xml.name() == QLatin1String("translation")) {
      all.back().type = xml.attributes().value(QLatin1String("type")).toString();
      xml.readNext();
      if (xml.isCharacters() && !xml.isWhitespace())
        all.back().translations.append(xml.text().toString());
    }
  }
  return all;
}

// The letters that choose an entry: two of the same hide each other.
void checkLetters(const QList<QAction*>& entries, const QString& of) {
  std::set<QChar> taken;
  for (const QAction* entry : entries) {
    const auto at = entry->text().indexOf(QLatin1Char('&'));
    if (at < 0) continue;
    const QChar letter = entry->text()[at + 1].toLower();
    QVERIFY2(taken.insert(letter).second, qPrintable(of + QStringLiteral(": ") + entry->text()));
    if (entry->menu()) checkLetters(entry->menu()->actions(), entry->text());
  }
}

}  // namespace

class GuiLanguageTest final : public QObject {
  Q_OBJECT

 private slots:
  void everyTextIsTranslated();
  void placesInTextsStay();
  void theMenusAreGerman();
  void theEnvironmentOrAnOptionChooses();
};

// With the texts that the sources have now.
void GuiLanguageTest::everyTextIsTranslated() {
  const QString lupdate =
      QLibraryInfo::path(QLibraryInfo::BinariesPath) + QStringLiteral("/lupdate");
  if (!QFileInfo::exists(lupdate)) QSKIP("lupdate is not installed (qt6-l10n-tools)");
  QTemporaryDir folder;
  const QString copy = folder.filePath(QStringLiteral("stackyard_de.ts"));
  QVERIFY(QFile::copy(translationFile(), copy));
  const QString sources = QFileInfo(translationFile()).dir().absoluteFilePath(QStringLiteral(".."));
  QProcess program;
  program.setProcessChannelMode(QProcess::MergedChannels);
  program.start(lupdate, {QStringLiteral("-no-obsolete"), QStringLiteral("-I"),
                          sources + QStringLiteral("/.."), sources, QStringLiteral("-ts"), copy});
  QVERIFY(program.waitForFinished(60'000));
  const QByteArray said = program.readAll();
  QVERIFY2(!said.contains("Qualifying with unknown") && !said.contains("cannot be called without"),
           said.constData());
  const auto messages = messagesOf(copy);
  QVERIFY(messages.size() > 250);
  for (const Message& message : messages) {
    const QByteArray source = message.source.toUtf8();
    QVERIFY2(message.type.isEmpty(), source.constData());
    QVERIFY2(!message.translations.isEmpty(), source.constData());
    for (const QString& words : message.translations)
      QVERIFY2(!words.isEmpty(), source.constData());
  }
  QCOMPARE(messages.size(), messagesOf(translationFile()).size());  // and none that nobody asks for
}

void GuiLanguageTest::placesInTextsStay() {
  for (const Message& message : messagesOf(translationFile()))
    for (const QString& words : message.translations)
      for (const char* place : {"%1", "%2", "%3", "%n", "%L1"})
        QVERIFY2(
            words.contains(QLatin1String(place)) == message.source.contains(QLatin1String(place)),
            qPrintable(words));
}

void GuiLanguageTest::theMenusAreGerman() {
  const auto titles = [] {
    MainWindow window;
    checkLetters(window.menuBar()->actions(), QStringLiteral("menus"));
    QStringList all;
    for (const QAction* menu : window.menuBar()->actions()) all.append(menu->text());
    return all;
  };
  QCOMPARE(titles().first(), QStringLiteral("&File"));
  setLanguage(*qApp, QStringLiteral("de"));
  QCOMPARE(titles(), (QStringList{QStringLiteral("&Datei"), QStringLiteral("&Bearbeiten"),
                                  QStringLiteral("&Anordnen"), QStringLiteral("&Knoten"),
                                  QStringLiteral("A&nsicht")}));
}

void GuiLanguageTest::theEnvironmentOrAnOptionChooses() {
  const auto help = [](const char* language, const QStringList& options) {
    QProcess program;
    QProcessEnvironment environment = QProcessEnvironment::systemEnvironment();
    for (const char* name : {"LC_ALL", "LC_MESSAGES", "LANGUAGE"})
      environment.remove(QLatin1String(name));
    environment.insert(QStringLiteral("LANG"), QLatin1String(language));
    program.setProcessEnvironment(environment);
    program.start(stackyardProgram() + QStringLiteral("-gui"),
                  options + QStringList{QStringLiteral("--help")});
    program.waitForFinished(20'000);
    return QString::fromUtf8(program.readAllStandardOutput());
  };
  QVERIFY(help("de_DE.UTF-8", {}).contains(QStringLiteral("die Labordatei")));
  QVERIFY(help("fr_FR.UTF-8", {}).contains(QStringLiteral("the lab file")));
  QVERIFY(help("C.UTF-8", {QStringLiteral("--language=de")})
              .contains(QStringLiteral("die Labordatei")));
  QVERIFY(help("de_AT.UTF-8", {QStringLiteral("--language"), QStringLiteral("en")})
              .contains(QStringLiteral("the lab file")));
}

QTEST_MAIN(GuiLanguageTest)

#include "gui_language_test.moc"
