#include "core/io/paho_connection.h"

#include <MQTTAsync.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <string_view>
#include <utility>

namespace haidang {
namespace {

// A topic's alias saves its bytes from the second message on. Few topics are worth one.
constexpr int kMaxTopicAliases = 4;
constexpr std::chrono::seconds kCloseTimeout{1};
constexpr size_t kMaxPacketOverhead = 65536;

void AddNumber(MQTTProperties& properties, MQTTPropertyCodes code, unsigned int value) {
  MQTTProperty property{};
  property.identifier = code;
  if (MQTTProperty_getType(code) == MQTTPROPERTY_TYPE_TWO_BYTE_INTEGER) {
    property.value.integer2 = static_cast<unsigned short>(value);
  } else {
    property.value.integer4 = value;
  }
  MQTTProperties_add(&properties, &property);
}

std::string ReasonText(int reason) {
  const char* text = MQTTReasonCode_toString(static_cast<MQTTReasonCodes>(reason));
  return text != nullptr ? text : "reason " + std::to_string(reason);
}

std::string ErrorText(int code) {
  const char* text = MQTTAsync_strerror(code);
  return text != nullptr ? text : "error " + std::to_string(code);
}

// The library stops its threads with its last client, which takes a second; a client that never
// connects keeps them. They may still be at work when the process ends: OpenSSL must not clean up
// under them then.
void KeepLibraryRunning() {
  static std::once_flag once;
  std::call_once(once, [] {
    static MQTTAsync keeper = nullptr;
    OPENSSL_init_ssl(OPENSSL_INIT_NO_ATEXIT, nullptr);
    MQTTAsync_init_options init = MQTTAsync_init_options_initializer;
    init.do_openssl_init = 1;
    MQTTAsync_global_init(&init);
    MQTTAsync_create(&keeper, "tcp://localhost:1883", "keeper", MQTTCLIENT_PERSISTENCE_NONE,
                     nullptr);
  });
}

}  // namespace

struct PahoConnection::Hooks {
  static PahoConnection& Of(void* context) { return *static_cast<PahoConnection*>(context); }

  static void Connected(void* context, MQTTAsync_successData5* data) {
    PahoConnection& self = Of(context);
    constexpr auto kCode = MQTTPROPERTY_CODE_TOPIC_ALIAS_MAXIMUM;
    if (MQTTProperties_hasProperty(&data->properties, kCode) != 0) {
      self.alias_maximum_ = MQTTProperties_getNumericValue(&data->properties, kCode);
    }
    {
      std::lock_guard lock(self.mutex_);
      self.live_ = true;
    }
    if (!self.silent_) self.callbacks_.connected();
  }

  static void ConnectFailed(void* context, MQTTAsync_failureData5* data) {
    PahoConnection& self = Of(context);
    // Paho knows no more than that TCP or TLS failed; TLS leaves its own words.
    const std::string_view said = data->message != nullptr ? data->message : "";
    std::string why = "no connection";
    if (said == "TCP/TLS connect failure") {
      if (self.tls_error_.empty())
        why +=
            ": nobody listens there, or there is no way to it; check the address, the broker and "
            "the firewalls between";
    } else if (!said.empty()) {
      why += ": " + std::string(said);
    }
    if (data->reasonCode != MQTTREASONCODE_SUCCESS) {
      why += "; the broker refused: " + ReasonText(data->reasonCode);
    } else if (data->code >= MQTTREASONCODE_UNSPECIFIED_ERROR) {
      why += "; the broker refused: " + ReasonText(data->code);
    }
    if (!self.tls_error_.empty()) why += "; TLS: " + self.tls_error_;
    self.Down(std::move(why));
  }

  static void Subscribed(void* context, MQTTAsync_successData5* data) {
    PahoConnection& self = Of(context);
    const int count = data->alt.sub.reasonCodeCount;
    for (int i = 0; i < count; ++i) {
      const int reason = count == 1 ? data->reasonCode : data->alt.sub.reasonCodes[i];
      if (reason >= MQTTREASONCODE_UNSPECIFIED_ERROR) return SubscriptionRefused(self, reason);
    }
    if (!self.silent_) self.callbacks_.subscribed();
  }

  static void SubscribeFailed(void* context, MQTTAsync_failureData5* data) {
    if (data->reasonCode < MQTTREASONCODE_UNSPECIFIED_ERROR) return TellLost(Of(context));
    SubscriptionRefused(Of(context), data->reasonCode);
  }

  static void SubscriptionRefused(PahoConnection& self, int reason) {
    self.Down("the broker refused a subscription: " + ReasonText(reason) +
              "; check its access list");
  }

  static void Lost(void* context, char*) {
    PahoConnection& self = Of(context);
    {
      std::lock_guard lock(self.mutex_);
      self.live_ = false;
    }
    self.ended_.notify_all();
    TellLost(self);
  }

  static void TellLost(PahoConnection& self) {
    self.Down(self.broker_reason_.empty()
                  ? kLostWithoutReason
                  : std::string(kLostWithoutReason) + ": " + self.broker_reason_);
  }

  static void BrokerDisconnect(void* context, MQTTProperties*, enum MQTTReasonCodes reason) {
    PahoConnection& self = Of(context);
    self.broker_reason_ = "the broker said \"" + ReasonText(reason) + "\"";
    if (reason == MQTTREASONCODE_SESSION_TAKEN_OVER) {
      self.broker_reason_ = "session taken over: another program uses the certificate of " +
                            self.options_.client_id +
                            " (a cloned machine, or started twice?); give each machine its own";
    }
  }

  static void Sent(void* context, MQTTAsync_successData5*) { Of(context).Written(); }
  static void SendFailed(void* context, MQTTAsync_failureData5*) { Of(context).Written(); }

  static void Disconnected(void* context, MQTTAsync_successData5*) {
    PahoConnection& self = Of(context);
    {
      std::lock_guard lock(self.mutex_);
      self.live_ = false;
    }
    self.ended_.notify_all();
  }

  static int Message(void* context, char* topic, int length, MQTTAsync_message* paho) {
    PahoConnection& self = Of(context);
    const auto size = static_cast<size_t>(paho->payloadlen);
    if (size <= kMaxPayloadBytes && !self.silent_) {
      MqttMessage message;
      message.topic.assign(topic, length > 0 ? static_cast<size_t>(length) : std::strlen(topic));
      message.payload.assign(static_cast<const char*>(paho->payload), size);
      message.qos = paho->qos;
      message.retained = paho->retained != 0;
      self.callbacks_.message(std::move(message));
    }
    MQTTAsync_freeMessage(&paho);
    MQTTAsync_free(topic);
    return 1;
  }

  static int TlsError(const char* text, size_t length, void* context) {
    constexpr size_t kMaxText = 512;
    PahoConnection& self = Of(context);
    std::string_view line(text, length);
    while (!line.empty() && line.back() == '\n') line.remove_suffix(1);
    if (self.tls_error_.size() + line.size() > kMaxText) return 1;
    if (!self.tls_error_.empty()) self.tls_error_ += ", ";
    self.tls_error_ += line;
    return 1;
  }
};

PahoConnection::PahoConnection(const MqttOptions& options, PahoCallbacks callbacks)
    : options_(options), callbacks_(std::move(callbacks)) {
  KeepLibraryRunning();
}

PahoConnection::~PahoConnection() {
  silent_ = true;
  if (handle_ != nullptr) MQTTAsync_destroy(&handle_);
}

void PahoConnection::Open(const MqttMessage& will) {
  MQTTAsync_createOptions create = MQTTAsync_createOptions_initializer5;
  create.maxBufferedMessages = 1 << 30;  // bounded by bytes, by the caller
  int rc = MQTTAsync_createWithOptions(&handle_, options_.uri.c_str(), options_.client_id.c_str(),
                                       MQTTCLIENT_PERSISTENCE_NONE, nullptr, &create);
  if (rc != MQTTASYNC_SUCCESS) return Down("no client could be made: " + ErrorText(rc));
  MQTTAsync_setCallbacks(handle_, this, Hooks::Lost, Hooks::Message, nullptr);
  MQTTAsync_setDisconnected(handle_, this, Hooks::BrokerDisconnect);

  MQTTAsync_willOptions will_options = MQTTAsync_willOptions_initializer;
  will_options.topicName = will.topic.c_str();
  will_options.qos = will.qos;
  will_options.retained = will.retained ? 1 : 0;
  will_options.payload.len = static_cast<int>(will.payload.size());
  will_options.payload.data = will.payload.data();

  MQTTAsync_SSLOptions tls = MQTTAsync_SSLOptions_initializer;
  tls.trustStore = options_.ca_file.c_str();
  tls.keyStore = options_.cert_file.empty() ? nullptr : options_.cert_file.c_str();
  tls.privateKey = options_.key_file.empty() ? nullptr : options_.key_file.c_str();
  tls.enableServerCertAuth = 1;
  tls.verify = 1;  // the certificate's name must be the URI's host
  tls.disableDefaultTrustStore = 1;
  tls.ssl_error_cb = Hooks::TlsError;
  tls.ssl_error_context = this;

  MQTTProperties properties = MQTTProperties_initializer;
  AddNumber(properties, MQTTPROPERTY_CODE_SESSION_EXPIRY_INTERVAL, 0);
  AddNumber(properties, MQTTPROPERTY_CODE_MAXIMUM_PACKET_SIZE,
            kMaxPayloadBytes + kMaxPacketOverhead);

  MQTTAsync_connectOptions connect = MQTTAsync_connectOptions_initializer5;
  connect.keepAliveInterval = static_cast<int>(options_.keep_alive.count());
  connect.connectTimeout = static_cast<int>(options_.connect_timeout.count());
  connect.cleanstart = 1;
  connect.will = will.topic.empty() ? nullptr : &will_options;
  connect.ssl = options_.uri.starts_with("ssl://") ? &tls : nullptr;
  connect.connectProperties = &properties;
  connect.onSuccess5 = Hooks::Connected;
  connect.onFailure5 = Hooks::ConnectFailed;
  connect.context = this;
  rc = MQTTAsync_connect(handle_, &connect);
  MQTTProperties_free(&properties);
  if (rc != MQTTASYNC_SUCCESS) Down(ErrorText(rc));
}

void PahoConnection::Subscribe(const std::vector<MqttSubscription>& subscriptions) {
  std::vector<char*> filters;
  std::vector<int> qos;
  std::vector<MQTTSubscribe_options> details;
  for (const MqttSubscription& subscription : subscriptions) {
    filters.push_back(const_cast<char*>(subscription.filter.c_str()));
    qos.push_back(subscription.qos);
    MQTTSubscribe_options detail = MQTTSubscribe_options_initializer;
    details.push_back(detail);
  }
  MQTTAsync_responseOptions response = MQTTAsync_responseOptions_initializer;
  response.onSuccess5 = Hooks::Subscribed;
  response.onFailure5 = Hooks::SubscribeFailed;
  response.context = this;
  if (details.size() == 1) {
    response.subscribeOptions = details[0];
  } else {
    response.subscribeOptionsCount = static_cast<int>(details.size());
    response.subscribeOptionsList = details.data();
  }
  const int rc = MQTTAsync_subscribeMany(handle_, static_cast<int>(filters.size()), filters.data(),
                                         qos.data(), &response);
  if (rc != MQTTASYNC_SUCCESS) Down("cannot subscribe: " + ErrorText(rc));
}

void PahoConnection::Send(const MqttMessage& message) {
  MQTTAsync_message paho = MQTTAsync_message_initializer;
  paho.payload = const_cast<char*>(message.payload.data());
  paho.payloadlen = static_cast<int>(message.payload.size());
  paho.qos = message.qos;
  paho.retained = message.retained ? 1 : 0;

  const char* topic = message.topic.c_str();
  const int most = std::min(alias_maximum_.load(), kMaxTopicAliases);
  if (const auto known = aliases_.find(message.topic); known != aliases_.end()) {
    topic = "";
    AddNumber(paho.properties, MQTTPROPERTY_CODE_TOPIC_ALIAS,
              static_cast<unsigned int>(known->second));
  } else if (std::cmp_less(aliases_.size(), most)) {
    const int alias = static_cast<int>(aliases_.size()) + 1;
    aliases_.emplace(message.topic, alias);
    AddNumber(paho.properties, MQTTPROPERTY_CODE_TOPIC_ALIAS, static_cast<unsigned int>(alias));
  }
  const size_t bytes = message.topic.size() + message.payload.size();
  {
    std::lock_guard lock(mutex_);
    unwritten_.push_back(bytes);
    unwritten_bytes_ += bytes;
  }
  MQTTAsync_responseOptions response = MQTTAsync_responseOptions_initializer;
  response.onSuccess5 = Hooks::Sent;
  response.onFailure5 = Hooks::SendFailed;
  response.context = this;
  // A failure here is a connection that is about to be told as lost.
  if (MQTTAsync_sendMessage(handle_, topic, &paho, &response) != MQTTASYNC_SUCCESS) Written();
  MQTTProperties_free(&paho.properties);
}

bool PahoConnection::Close() {
  silent_ = true;
  std::unique_lock lock(mutex_);
  if (!live_) return true;
  lock.unlock();
  MQTTAsync_disconnectOptions options = MQTTAsync_disconnectOptions_initializer5;
  options.reasonCode = MQTTREASONCODE_DISCONNECT_WITH_WILL_MESSAGE;
  options.onSuccess5 = Hooks::Disconnected;
  options.context = this;
  // Refused where it was lost meanwhile.
  if (MQTTAsync_disconnect(handle_, &options) != MQTTASYNC_SUCCESS) return true;
  lock.lock();
  return ended_.wait_for(lock, kCloseTimeout, [this] { return !live_; });
}

bool PahoConnection::WatchWritten() {
  std::lock_guard lock(mutex_);
  watched_ = true;
  return unwritten_.empty();
}

void PahoConnection::Down(std::string why) {
  if (!silent_.exchange(true)) callbacks_.down(std::move(why));
}

void PahoConnection::Written() {
  bool all = false;
  {
    std::lock_guard lock(mutex_);
    if (unwritten_.empty()) return;
    unwritten_bytes_ -= unwritten_.front();
    unwritten_.pop_front();
    all = watched_ && unwritten_.empty();
  }
  if (all && !silent_) callbacks_.all_written();
}

}  // namespace haidang
