#include "gui/panels/time_bar.h"

#include <QAction>
#include <QComboBox>
#include <QEvent>
#include <QFontDatabase>
#include <QInputDialog>
#include <nlohmann/json.hpp>

#include "core/base/text.h"
#include "gui/client/lab_client.h"
#include "gui/panels/icons.h"

namespace stackyard::gui {

namespace {

struct Speed {
  const char *title, *pace;
};
// parse_pace takes decimals: a thousandth of real time is 0.001x.
constexpr Speed speeds[] = {
    {QT_TRANSLATE_NOOP("stackyard::gui::TimeBar", "1/1000 ×"), "0.001x"},
    {QT_TRANSLATE_NOOP("stackyard::gui::TimeBar", "1/100 ×"), "0.01x"},
    {QT_TRANSLATE_NOOP("stackyard::gui::TimeBar", "1/10 ×"), "0.1x"},
    {QT_TRANSLATE_NOOP("stackyard::gui::TimeBar", "1 × real time"), "1x"},
    {QT_TRANSLATE_NOOP("stackyard::gui::TimeBar", "2 ×"), "2x"},
    {QT_TRANSLATE_NOOP("stackyard::gui::TimeBar", "10 ×"), "10x"},
    {QT_TRANSLATE_NOOP("stackyard::gui::TimeBar", "100 ×"), "100x"},
    {QT_TRANSLATE_NOOP("stackyard::gui::TimeBar", "as fast as possible"), "fast"}};
constexpr int real_time = 3;
constexpr int ask_ms = 100;

}  // namespace

TimeBar::TimeBar(LabClient& client, QWidget* parent)
    : QToolBar(tr("Time"), parent),
      client_(client),
      speed_(new QComboBox),
      clock_(new QLabel),
      figures_(new QLabel) {
  setObjectName(QStringLiteral("time"));
  setToolButtonStyle(Qt::ToolButtonTextBesideIcon);
  run_ = addAction(icon(Glyph::run, palette()), tr("Run"), this, &TimeBar::toggle);
  run_->setShortcut(Qt::Key_F5);
  run_->setToolTip(tr("Run or pause (F5)"));
  event_ =
      addAction(icon(Glyph::event, palette()), tr("Event"), this, [this] { step("time.step"); });
  event_->setShortcut(Qt::Key_F10);
  event_->setToolTip(tr("One event (F10)"));
  packet_ = addAction(icon(Glyph::packet, palette()), tr("Packet"), this,
                      [this] { step("time.step_packet"); });
  packet_->setShortcut(Qt::Key_F11);
  packet_->setToolTip(tr("Until a frame has passed some link (F11)"));
  until_ = addAction(icon(Glyph::until, palette()), tr("Until…"), this, &TimeBar::askUntil);
  for (const Speed& speed : speeds)
    speed_->addItem(tr(speed.title), QString::fromLatin1(speed.pace));
  speed_->setCurrentIndex(real_time);
  speed_->setToolTip(tr("Simulated time against real time"));
  addWidget(speed_);
  connect(speed_, &QComboBox::currentIndexChanged, this, [this] {
    if (running_)
      client_.call("time.pace", {{"pace", speed_->currentData().toString().toStdString()}}, {},
                   [this](const QString& why) { emit failed(why); });
  });
  addSeparator();
  QFont font = QFontDatabase::systemFont(QFontDatabase::FixedFont);
  font.setPointSizeF(font.pointSizeF() * 1.25);
  clock_->setFont(font);
  clock_->setAccessibleName(tr("Simulated time"));
  addWidget(clock_);
  figures_->setContentsMargins(12, 0, 0, 0);
  addWidget(figures_);
  connect(&timer_, &QTimer::timeout, this, &TimeBar::ask);
  connect(&client_, &LabClient::told, this, [this](const QString& method, const Json& message) {
    if (method != QLatin1String("time.stopped")) return;
    show(message.at("params"));
    emit stopped(QString::fromStdString(message.at("params").value("why", "")));
  });
  setLabOpen(false);
}

void TimeBar::changeEvent(QEvent* event) {
  QToolBar::changeEvent(event);
  if (event->type() != QEvent::PaletteChange || !run_) return;
  run_->setIcon(icon(running_ ? Glyph::pause : Glyph::run, palette()));
  event_->setIcon(icon(Glyph::event, palette()));
  packet_->setIcon(icon(Glyph::packet, palette()));
  until_->setIcon(icon(Glyph::until, palette()));
}

void TimeBar::setLabOpen(bool open) {
  for (QAction* action : {run_, event_, packet_, until_}) action->setEnabled(open);
  speed_->setEnabled(open);
  if (open) return;
  timer_.stop();
  running_ = false;
  clock_->setText(QStringLiteral("—"));
  figures_->clear();
}

void TimeBar::restart() {
  time_ = last_time_ = last_events_ = 0;
  asked_ = false;
  setLabOpen(true);
  real_.start();
  timer_.start(ask_ms);
  ask();
}

void TimeBar::ask() {
  if (asked_ || !client_.isOpen()) return;
  asked_ = true;
  client_.call("time.get", Json::object(), [this](const Json& state) {
    asked_ = false;
    show(state);
  });
}

void TimeBar::show(const Json& state) {
  time_ = state.at("time").get<qint64>();
  running_ = state.value("running", false);
  clock_->setText(QString::fromStdString(seconds_text(SimTime(time_))) + QStringLiteral(" s"));
  run_->setText(running_ ? tr("Pause") : tr("Run"));
  run_->setIcon(icon(running_ ? Glyph::pause : Glyph::run, palette()));
  const qint64 real = real_.nsecsElapsed();
  if (real < qint64(ask_ms) * 500'000 || !state.contains("events_run")) return;
  const qint64 events = state.at("events_run").get<qint64>();
  const double seconds = double(real) / 1e9;
  figures_->setText(tr("%L1 events/s   %2 × real time")
                        .arg(qint64(double(events - last_events_) / seconds))
                        .arg(double(time_ - last_time_) / 1e9 / seconds, 0, 'g', 3));
  real_.start();
  last_events_ = events;
  last_time_ = time_;
}

void TimeBar::toggle() {
  if (running_) {
    client_.call("time.pause", Json::object(), [this](const Json& state) { show(state); });
    return;
  }
  emit stepping();
  client_.call(
      "time.pace", {{"pace", speed_->currentData().toString().toStdString()}},
      [this](const Json& state) { show(state); }, [this](const QString& why) { emit failed(why); });
}

void TimeBar::step(const char* method) {
  emit stepping();
  client_.call(
      method, Json::object(), [this](const Json& state) { show(state); },
      [this](const QString& why) { emit failed(why); });
}

void TimeBar::askUntil() {
  bool wanted = false;
  const QString words = QInputDialog::getText(
      this, tr("Run until"),
      tr("A time (12s), a duration (+5s), or a condition:\n{table: neighbours, node: pc2, rows: "
         "\">=2\"}"),
      QLineEdit::Normal, QStringLiteral("+1s"), &wanted);
  if (wanted) runUntil(words.trimmed());
}

void TimeBar::runUntil(const QString& words) {
  Json params = Json::object();
  if (words.startsWith(QLatin1Char('{')))
    params["when"] = words.toStdString();
  else if (words.startsWith(QLatin1Char('+')))
    params["for"] = words.mid(1).toStdString();
  else
    params["until"] = words.toStdString();
  emit stepping();
  client_.call(
      "time.run", params, [this](const Json& state) { show(state); },
      [this](const QString& why) { emit failed(why); });
}

}  // namespace stackyard::gui
