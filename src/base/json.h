// Writes JSON text, for reports that cross into JavaScript or a file.
#pragma once

#include <string>
#include <string_view>

namespace octet {

// Commas are placed automatically. Keys come right before their value:
//   json.begin_object(); json.key("name").value("x"); json.end_object();
class JsonWriter {
public:
  JsonWriter& begin_object() { return open('{'); }
  JsonWriter& end_object() { return close('}'); }
  JsonWriter& begin_array() { return open('['); }
  JsonWriter& end_array() { return close(']'); }
  JsonWriter& key(std::string_view name);
  JsonWriter& value(std::string_view text);
  JsonWriter& value(const char* text) { return value(std::string_view(text)); }
  JsonWriter& value(double number); // null when not finite, which JSON cannot say
  JsonWriter& value(int64_t number);
  JsonWriter& value(size_t number) { return value(static_cast<int64_t>(number)); }
  JsonWriter& value(bool flag);
  JsonWriter& null();

  std::string take() { return std::move(text_); }

private:
  JsonWriter& open(char bracket);
  JsonWriter& close(char bracket);
  void separate();
  void quote(std::string_view text);

  std::string text_;
};

} // namespace octet
