// gui/app/main.cpp - stackyard-gui: the front end, and pictures of it.
#include <QApplication>
#include <QCommandLineParser>
#include <QElapsedTimer>
#include <QTimer>
#include <cstdio>

#include "gui/app/language.h"
#include "gui/app/main_window.h"
#include "gui/app/theme.h"
#include "gui/canvas/lab_scene.h"
#include "gui/panels/console_panel.h"
#include "gui/panels/packet_panel.h"
#include "gui/panels/plot_panel.h"
#include "gui/panels/table_panel.h"
#include "gui/panels/time_bar.h"

namespace stackyard::gui {
namespace {

constexpr int exit_failed = 3;
constexpr const char* language_option = "language";

// Before the options are read: their help is in it, too.
QString languageIn(const QStringList& arguments) {
  const QString name = QStringLiteral("--") + QLatin1String(language_option);
  for (int i = 1; i < arguments.size(); ++i) {
    if (arguments[i] == name) return arguments.value(i + 1);
    if (arguments[i].startsWith(name + QLatin1Char('='))) return arguments[i].mid(name.size() + 1);
  }
  return {};
}

// "plot throughput|queue|drops|lost LINK END", "plot delay LINK LINK",
// "plot NODE TABLE COLUMN [COLUMN=WORD...]".
void openPlot(MainWindow& window, const QStringList& words) {
  const QString& what = words[1];
  if (what == QLatin1String("throughput"))
    return window.addPlot(throughputOf(words[2], words.value(3)));
  if (what == QLatin1String("queue")) return window.addPlot(queueOf(words[2], words.value(3)));
  if (what == QLatin1String("drops") || what == QLatin1String("lost"))
    return window.addPlot(dropsOf(words[2], words.value(3), what == QLatin1String("lost")));
  if (what == QLatin1String("delay")) return window.addPlot(delayBetween(words[2], words.value(3)));
  PlotWhat plot;
  plot.node = what;
  plot.table = words[2];
  plot.column = words.value(3);
  for (const QString& match : words.mid(4))
    plot.match.insert(match.section(QLatin1Char('='), 0, 0), match.section(QLatin1Char('='), 1));
  plot.title = QCoreApplication::translate("main", "%1 of %2").arg(plot.column, plot.node);
  plot.unit = plot.column;
  window.addPlot(plot);
}

// What `--open` may name: "table NODE TABLE", "console NODE COMMAND...", "packet N", "labels",
// "text", "select NODE" with its form, "plot ...".
void openPanel(MainWindow& window, const QString& what) {
  const QStringList words = what.split(QLatin1Char(' '), Qt::SkipEmptyParts);
  if (words.size() == 3 && words[0] == QLatin1String("table"))
    window.openTable(words[1], words[2]);
  else if (words.size() >= 2 && words[0] == QLatin1String("console")) {
    ConsolePanel* console = window.openConsole({words[1]});
    if (words.size() > 2) console->run(words.mid(2).join(QLatin1Char(' ')));
  } else if (words.size() == 1 && words[0] == QLatin1String("labels")) {
    window.setLabels({.addresses = true, .ports = true});
  } else if (words.size() >= 3 && words[0] == QLatin1String("plot")) {
    openPlot(window, words);
  } else if (words.size() == 1 && words[0] == QLatin1String("text")) {
    window.showText(true);
  } else if (words.size() == 2 && words[0] == QLatin1String("select")) {
    window.scene().choose({words[1]});
    window.showProperties(true);
  }
}

// Runs the lab to an instant, lets panels fill, and saves the window's picture.
class Photographer final : public QObject {
 public:
  Photographer(MainWindow& window, QString until, QString file, QStringList panels)
      : window_(window), file_(std::move(file)) {
    connect(&window, &MainWindow::failed, this, [](const QString& why) {
      std::fprintf(stderr, "%s\n", qPrintable(why));
      QCoreApplication::exit(exit_failed);
    });
    connect(&window, &MainWindow::served, this, [this, until, panels] {
      for (const QString& panel : panels) {
        if (isOfTheRun(panel))
          late_.append(panel);
        else
          openPanel(window_, panel);
      }
      // A table's first look comes before time goes on, so that what changes is marked.
      QTimer::singleShot(500, this, [this, until] {
        if (until.isEmpty()) return shoot();
        window_.time().runUntil(until);
      });
    });
    connect(&window.time(), &TimeBar::stopped, this, [this] { shoot(); });
  }

 private:
  // What is there only when the lab has run.
  static bool isOfTheRun(const QString& panel) {
    const QString what = panel.section(QLatin1Char(' '), 0, 0);
    return what == QLatin1String("packet") || what == QLatin1String("ladder") ||
           what == QLatin1String("check");
  }
  void openLate(const QString& panel) {
    const QString name = panel.section(QLatin1Char(' '), 1);
    if (panel.startsWith(QLatin1String("check "))) return window_.showEvidence(name);
    window_.showPackets(true);
    window_.packets().select(name.toInt() - 1);
    if (panel.startsWith(QLatin1String("ladder "))) window_.showLadder(name.toInt() - 1);
  }
  void shoot() {
    QTimer::singleShot(700, this, [this] {
      for (const QString& panel : std::as_const(late_)) openLate(panel);
      window_.view().fit();
      QTimer::singleShot(300, this, [this] {
        const bool saved = window_.grab().save(file_);
        if (!saved) std::fprintf(stderr, "%s cannot be written\n", qPrintable(file_));
        QCoreApplication::exit(saved ? 0 : exit_failed);
      });
    });
  }
  MainWindow& window_;
  QString file_;
  QStringList late_;
};

int run(int argc, char** argv) {
  // Pictures need no display.
  for (int i = 1; i < argc; ++i)
    if (QByteArray(argv[i]).startsWith("--screenshot") &&
        qEnvironmentVariableIsEmpty("QT_QPA_PLATFORM"))
      qputenv("QT_QPA_PLATFORM", "offscreen");
  QApplication application(argc, argv);
  QApplication::setApplicationName(QStringLiteral("stackyard"));
  setLanguage(application, languageIn(application.arguments()));
  QCommandLineParser parser;
  parser.setApplicationDescription(
      QCoreApplication::translate("main", "Draws a lab, runs it, looks inside every stack."));
  parser.addHelpOption();
  const auto words = [](const char* text) { return QCoreApplication::translate("main", text); };
  parser.addPositionalArgument(QStringLiteral("LAB"),
                               words(QT_TRANSLATE_NOOP("main", "the lab file")),
                               QStringLiteral("[LAB]"));
  const QCommandLineOption at(QStringLiteral("at"),
                              words(QT_TRANSLATE_NOOP("main", "run until this time first")),
                              QStringLiteral("TIME"));
  const QCommandLineOption picture(
      QStringLiteral("screenshot"),
      words(QT_TRANSLATE_NOOP("main", "save a picture of the window and end")),
      QStringLiteral("FILE"));
  const QCommandLineOption open(QStringLiteral("open"),
                                QStringLiteral("\"table NODE TABLE\", \"console NODE COMMAND\", "
                                               "\"packet N\", \"check NAME\", \"labels\""),
                                QStringLiteral("PANEL"));
  const QCommandLineOption dark(QStringLiteral("dark"),
                                words(QT_TRANSLATE_NOOP("main", "dark theme")));
  const QCommandLineOption size(QStringLiteral("size"),
                                words(QT_TRANSLATE_NOOP("main", "of the window")),
                                QStringLiteral("WxH"));
  const QCommandLineOption language(
      QLatin1String(language_option),
      words(QT_TRANSLATE_NOOP("main", "of the texts, as “de”; otherwise that of the environment")),
      QStringLiteral("LANGUAGE"));
  parser.addOptions({at, picture, open, dark, size, language});
  parser.process(application);
  setTheme(application, parser.isSet(dark));
  MainWindow window;
  const QStringList sides = parser.value(size).split(QLatin1Char('x'));
  if (sides.size() == 2) window.resize(sides[0].toInt(), sides[1].toInt());
  const QStringList labs = parser.positionalArguments();
  std::unique_ptr<Photographer> photographer;
  if (parser.isSet(picture))
    photographer = std::make_unique<Photographer>(window, parser.value(at), parser.value(picture),
                                                  parser.values(open));
  window.show();
  if (!labs.isEmpty()) {
    // A lab that does not parse says so at once, before the loop could hear it end.
    QTimer::singleShot(0, &window, [&] { window.openLab(labs.first()); });
  } else {
    window.showGallery();
    if (parser.isSet(picture))
      QTimer::singleShot(500, &window, [&] {
        QCoreApplication::exit(window.grab().save(parser.value(picture)) ? 0 : exit_failed);
      });
  }
  return QApplication::exec();
}

}  // namespace
}  // namespace stackyard::gui

int main(int argc, char** argv) { return stackyard::gui::run(argc, argv); }
