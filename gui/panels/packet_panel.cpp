#include "gui/panels/packet_panel.h"

#include <QDateTime>
#include <QDir>
#include <QFileDialog>
#include <QFontDatabase>
#include <QLabel>
#include <QLineEdit>
#include <QMenu>
#include <QMessageBox>
#include <QPlainTextEdit>
#include <QProcess>
#include <QSplitter>
#include <QToolButton>
#include <QTreeWidget>
#include <QVBoxLayout>
#include <nlohmann/json.hpp>

#include "core/base/text.h"
#include "core/dissect/dissect.h"
#include "gui/client/lab_client.h"
#include "gui/model/conversation.h"
#include "gui/panels/packet_view.h"

namespace stackyard::gui {

namespace {

constexpr int shown_every_ms = 40;
constexpr int per_line = 16;

// Where an octet's two digits are in the dump of octets below.
int digitsOf(int octet) {
  return (octet / per_line) * (6 + per_line * 3 + 1 + per_line + 1) + 6 + (octet % per_line) * 3;
}

QString dump(const QByteArray& octets) {
  QString all;
  for (int at = 0; at < octets.size(); at += per_line) {
    all += QStringLiteral("%1  ").arg(at, 4, 16, QLatin1Char('0'));
    for (int i = at; i < at + per_line; ++i)
      all += i < octets.size()
                 ? QStringLiteral("%1 ").arg(uchar(octets[i]), 2, 16, QLatin1Char('0'))
                 : QStringLiteral("   ");
    all += QLatin1Char(' ');
    for (int i = at; i < at + per_line; ++i) {
      const char c = i < octets.size() ? octets[i] : ' ';
      all += c >= ' ' && c < 127 ? QLatin1Char(c) : QLatin1Char('.');
    }
    all += QLatin1Char('\n');
  }
  return all;
}

}  // namespace

PacketPanel::PacketPanel(LabClient& client, const Colours& colours, QWidget* parent)
    : QWidget(parent),
      client_(client),
      model_(colours),
      filter_(new QLineEdit),
      message_(new QLabel),
      list_(new PacketView(model_)),
      layers_(new QTreeWidget),
      octets_(new QPlainTextEdit) {
  filter_->setPlaceholderText(tr("Filter, as for tcpdump: icmp or arp"));
  filter_->setClearButtonEnabled(true);
  auto* clear = new QToolButton;
  clear->setText(tr("Clear"));
  list_->setAccessibleName(tr("Packets"));
  const int widths[] = {60, 110, 150, 60};
  for (int i = 0; i < 4; ++i) list_->setColumnWidth(i, widths[i]);
  layers_->setHeaderHidden(true);
  layers_->setColumnCount(2);
  layers_->setAccessibleName(tr("Layers"));
  octets_->setReadOnly(true);
  octets_->setFont(QFontDatabase::systemFont(QFontDatabase::FixedFont));
  octets_->setLineWrapMode(QPlainTextEdit::NoWrap);
  octets_->setAccessibleName(tr("Octets"));
  message_->hide();

  auto* below = new QSplitter(Qt::Horizontal);
  below->addWidget(layers_);
  below->addWidget(octets_);
  auto* split = new QSplitter(Qt::Vertical);
  split->addWidget(list_);
  split->addWidget(below);
  split->setStretchFactor(0, 2);
  auto* top = new QHBoxLayout;
  top->addWidget(filter_);
  top->addWidget(clear);
  auto* save = new QToolButton;
  save->setText(tr("Save…"));
  save->setToolTip(tr("As pcapng"));
  top->addWidget(save);
  auto* wireshark = new QToolButton;
  wireshark->setText(tr("Wireshark"));
  top->addWidget(wireshark);
  auto* layout = new QVBoxLayout(this);
  layout->setContentsMargins(4, 4, 4, 4);
  layout->addLayout(top);
  layout->addWidget(message_);
  layout->addWidget(split);

  connect(save, &QToolButton::clicked, this, &PacketPanel::save);
  connect(wireshark, &QToolButton::clicked, this, &PacketPanel::openWireshark);
  connect(clear, &QToolButton::clicked, &model_, &PacketList::clear);
  connect(filter_, &QLineEdit::returnPressed, this, &PacketPanel::watch);
  connect(list_, &PacketView::currentRowChanged, this, &PacketPanel::show);
  connect(list_, &PacketView::menuWanted, this, [this](int row, const QPoint& at) {
    QMenu menu;
    menu.addAction(tr("Ladder of its conversation"), this, [this, row] { emit ladderWanted(row); });
    menu.addAction(tr("Filter for its conversation"), this, [this, row] { filterFor(row); });
    menu.exec(at);
  });
  connect(layers_, &QTreeWidget::itemSelectionChanged, this, &PacketPanel::showField);
  connect(&timer_, &QTimer::timeout, &model_, &PacketList::flush);
  timer_.start(shown_every_ms);
}

void PacketPanel::restart() {
  missed_ = 0;
  model_.clear();
  watch();
}

// From now on, what fits the filter.
void PacketPanel::watch() {
  message_->hide();
  subscriptions_.clear();
  const auto subscribe = [&](const char* method, const Json& params, Subscription::Take take,
                             LabClient::Refusal refused = {}) {
    subscriptions_.push_back(std::make_unique<Subscription>(client_, QLatin1String(method), params,
                                                            std::move(take), std::move(refused)));
  };
  subscribe(
      "packet",
      {{"what", "packets"},
       {"on", "*"},
       {"filter", filter_->text().toStdString()},
       {"lossy", true}},
      [this](const Json& params) { take(params); }, [this](const QString& why) { tell(why); });
  subscribe("drop", {{"what", "drops"}, {"lossy", true}},
            [this](const Json& params) { model_.takeDrop(params); });
  subscribe("decision", {{"what", "decisions"}, {"lossy", true}},
            [this](const Json& params) { model_.takeDecision(params); });
}

void PacketPanel::tell(const QString& message) {
  message_->setText(message);
  message_->show();
}

void PacketPanel::take(const Json& params) {
  if (const auto missed = params.value("missed", quint64(0)); missed > 0) {
    missed_ += missed;
    tell(tr("%L1 packets went by unseen: they were too many at once").arg(missed_));
  }
  model_.takePacket(params);
  emit frameSeen(QString::fromStdString(params.value("link", "")),
                 QString::fromStdString(params.value("node", "")),
                 QString::fromStdString(params.value("text", "")));
}

void PacketPanel::select(int row) {
  model_.flush();
  list_->setCurrentRow(row);
}

void PacketPanel::setFilter(const QString& filter) {
  if (filter_->text() == filter) return;
  filter_->setText(filter);
  watch();
}

QString PacketPanel::filter() const { return filter_->text(); }

// From now on: what has the same two hosts.
void PacketPanel::filterFor(int row) {
  const QString ends = endsOf(model_.packet(row).text);
  if (ends.isEmpty()) return;
  QStringList hosts;
  for (const QString& end : ends.split(QStringLiteral(" – "))) {
    // Of IPv4, a fifth number is the port.
    const bool port = end.count(QLatin1Char('.')) == 4 ||
                      (end.contains(QLatin1Char(':')) && end.contains(QLatin1Char('.')));
    hosts.append(QStringLiteral("host ") + (port ? end.section(QLatin1Char('.'), 0, -2) : end));
  }
  setFilter(hosts.join(QStringLiteral(" and ")));
}

void PacketPanel::show(int row) {
  layers_->clear();
  octets_->clear();
  if (row < 0 || row >= model_.rowCount()) return;
  const SeenPacket packet = model_.packet(row);
  showStory(row);
  if (packet.died()) return;
  octets_->setPlainText(dump(packet.octets));
  const Bytes frame(reinterpret_cast<const uint8_t*>(packet.octets.constData()),
                    size_t(packet.octets.size()));
  const auto place = [](QTreeWidgetItem* item, size_t offset, size_t length) {
    item->setData(0, Qt::UserRole, int(offset));
    item->setData(0, Qt::UserRole + 1, int(length));
  };
  for (const DissectedLayer& layer : layers(frame)) {
    auto* item = new QTreeWidgetItem(layers_, {QString::fromStdString(layer.name)});
    place(item, layer.offset, layer.length);
    for (const DissectedField& field : layer.fields) {
      auto* inner = new QTreeWidgetItem(
          item, {QString::fromStdString(field.name), QString::fromStdString(field.value)});
      place(inner, field.offset, field.length);
    }
  }
  layers_->expandAll();
  layers_->resizeColumnToContents(0);
}

// What every stack that it met has decided about it, and where it has been.
void PacketPanel::showStory(int row) {
  auto* top = new QTreeWidgetItem(layers_, {tr("What happened to it")});
  QStringList links;
  for (const SeenPacket& step : model_.story(row)) {
    const QString when = QStringLiteral("%1  %2").arg(
        QString::fromStdString(seconds_text(SimTime(step.time))), step.node);
    if (step.died()) {
      auto* item =
          new QTreeWidgetItem(top, {when, tr("✗ died at %1: %2").arg(step.link, step.text)});
      if (!step.detail.isEmpty()) new QTreeWidgetItem(item, {tr("decided by"), step.detail});
    } else if (!step.decision.isEmpty()) {
      new QTreeWidgetItem(top, {when, step.text});
    } else {
      new QTreeWidgetItem(top, {when, tr("leaves by %1").arg(step.link)});
      if (!step.link.isEmpty()) links.append(step.link);
    }
  }
  layers_->expandAll();
  layers_->resizeColumnToContents(0);
  emit pathChosen(links);
}

void PacketPanel::save() {
  const QString name =
      QFileDialog::getSaveFileName(this, tr("Save packets"), {}, tr("Captures (*.pcapng)"));
  if (name.isEmpty()) return;
  if (const QString wrong = model_.save(name); !wrong.isEmpty())
    QMessageBox::warning(this, tr("Save packets"), wrong);
}

// On what the list has now.
void PacketPanel::openWireshark() {
  model_.flush();
  const QString name = QDir::temp().filePath(
      QStringLiteral("stackyard-%1.pcapng").arg(QDateTime::currentMSecsSinceEpoch()));
  QString wrong = model_.save(name);
  if (wrong.isEmpty() && !QProcess::startDetached(QStringLiteral("wireshark"), {name}))
    wrong = tr("wireshark cannot be started; the packets are in %1").arg(name);
  message_->setText(wrong);
  message_->setVisible(!wrong.isEmpty());
}

// Its octets, marked in the dump.
void PacketPanel::showField() {
  QList<QTextEdit::ExtraSelection> marks;
  for (const QTreeWidgetItem* item : layers_->selectedItems()) {
    const int offset = item->data(0, Qt::UserRole).toInt();
    const int length = item->data(0, Qt::UserRole + 1).toInt();
    for (int i = offset; i < offset + length; ++i) {
      QTextEdit::ExtraSelection mark;
      mark.cursor = QTextCursor(octets_->document());
      const int at = digitsOf(i);
      if (at + 2 > octets_->document()->characterCount()) break;
      mark.cursor.setPosition(at);
      mark.cursor.setPosition(at + 2, QTextCursor::KeepAnchor);
      mark.format.setBackground(palette().highlight());
      mark.format.setForeground(palette().highlightedText());
      marks.append(mark);
    }
  }
  octets_->setExtraSelections(marks);
}

}  // namespace stackyard::gui
