#include "model/yaml.h"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/yaml.h>

#include <charconv>
#include <sstream>

#include "model/application.h"

namespace swb {
namespace {

class Converter {
  public:
    explicit Converter(YamlDocument& document) : document_(document) {}

    Result<Json> convert(const YAML::Node& node, const std::string& path, int depth) {
        const YAML::Mark mark = node.Mark();
        document_.places.try_emplace(path, YamlDocument::Place{mark.line + 1, mark.column + 1});
        if (++count_ > 20'000) return fail(ErrorCode::TooLarge, "the file has more than 20000 values");
        if (depth > 24) return fail(ErrorCode::TooLarge, path + " is nested too deeply");
        // Every value keeps its path: one endless key above many values would fill the memory.
        if (path.size() > 1024) return fail(ErrorCode::TooLarge, path.substr(0, 80) + "… is too long a path of keys");
        switch (node.Type()) {
            case YAML::NodeType::Map:
                return convertMap(node, path, depth);
            case YAML::NodeType::Sequence:
                return convertSequence(node, path, depth);
            case YAML::NodeType::Scalar:
                return scalar(node);
            default:
                return Json(nullptr);
        }
    }

  private:
    Result<Json> convertMap(const YAML::Node& node, const std::string& path, int depth) {
        JsonObject out;
        for (const auto& member : node) {
            if (!member.first.IsScalar())
                return fail(ErrorCode::InvalidInput,
                            (path.empty() ? "the document" : path) + " has a key that is not a word");
            const std::string key = member.first.Scalar();
            const std::string childPath = path.empty() ? key : path + "." + key;
            const YAML::Mark mark = member.first.Mark();
            document_.places.try_emplace(childPath, YamlDocument::Place{mark.line + 1, mark.column + 1});
            if (out.contains(key)) return fail(ErrorCode::InvalidInput, childPath + " is there twice");
            out[key] = TRY(convert(member.second, childPath, depth + 1));
        }
        return Json(std::move(out));
    }

    Result<Json> convertSequence(const YAML::Node& node, const std::string& path, int depth) {
        JsonArray out;
        size_t index = 0;
        for (const auto& element : node)
            out.push_back(TRY(convert(element, path + "[" + std::to_string(index++) + "]", depth + 1)));
        return Json(std::move(out));
    }

    static Json scalar(const YAML::Node& node) {
        const std::string& text = node.Scalar();
        if (node.Tag() == "!") return Json(text);  // quoted
        if (text == "true") return Json(true);
        if (text == "false") return Json(false);
        if (text == "null" || text == "~" || text.empty()) return Json(nullptr);
        int64_t number = 0;
        const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), number);
        // "007" and "+1" are words, not numbers: only the canonical form is turned into one.
        if (failure == std::errc() && end == text.data() + text.size() && std::to_string(number) == text)
            return Json(number);
        return Json(text);
    }

    YamlDocument& document_;
    size_t count_ = 0;
};

// Reads over a document without building it: one pass that cannot use much memory, whatever the text is.
class Survey final : public YAML::EventHandler {
  public:
    void OnDocumentStart(const YAML::Mark&) override {}
    void OnDocumentEnd() override {}
    void OnNull(const YAML::Mark&, YAML::anchor_t) override {}
    void OnAlias(const YAML::Mark&, YAML::anchor_t) override {}
    void OnScalar(const YAML::Mark&, const std::string&, YAML::anchor_t, const std::string&) override {}
    void OnSequenceStart(const YAML::Mark&, const std::string&, YAML::anchor_t, YAML::EmitterStyle::value) override {}
    void OnSequenceEnd() override {}
    void OnMapStart(const YAML::Mark&, const std::string&, YAML::anchor_t, YAML::EmitterStyle::value) override {}
    void OnMapEnd() override {}
};

// Documents in the text: 0, 1, or 2 for more than one. yaml-cpp finds endlessly many empty ones before a stray ','.
int documentsIn(const std::string& text) {
    std::istringstream stream(text);
    YAML::Parser parser(stream);
    Survey survey;
    int documents = 0;
    while (documents < 2 && parser.HandleNextDocument(survey)) ++documents;
    return documents;
}

Error yamlError(const YAML::Exception& exception) {
    std::string where;
    if (!exception.mark.is_null())
        where = "line " + std::to_string(exception.mark.line + 1) + ", column " +
                std::to_string(exception.mark.column + 1) + ": ";
    return Error(ErrorCode::InvalidDefinition, where + exception.msg, "check the indentation and quotes there");
}

}  // namespace

Error YamlDocument::placed(const Error& error) const {
    Error out = error;
    std::string path = error.message.substr(0, error.message.find_first_of(" :"));
    const size_t length = path.size();
    while (!path.empty()) {
        if (const auto place = places.find(path); place != places.end()) {
            out.message = error.message.substr(0, length) + " (line " + std::to_string(place->second.line) +
                          ", column " + std::to_string(place->second.column) + ")" + error.message.substr(length);
            break;
        }
        // A missing key has no place of its own: that of its parent is the nearest.
        const size_t dot = path.find_last_of(".[");
        path.resize(dot == std::string::npos ? 0 : dot);
    }
    return out;
}

Result<YamlDocument> parseYaml(std::string_view text, size_t maxBytes) {
    if (text.size() > maxBytes)
        return fail(ErrorCode::TooLarge, "the file is larger than " + std::to_string(maxBytes) + " bytes");
    if (text.find('\0') != std::string_view::npos)
        return fail(ErrorCode::InvalidDefinition, "the file contains a NUL byte; it must be text");
    try {
        const std::string whole(text);
        if (const int documents = documentsIn(whole); documents != 1)
            return fail(ErrorCode::InvalidDefinition,
                        documents == 0 ? "the file holds no document"
                                       : "the file holds more than one document, or begins with a stray ','");
        YamlDocument document;
        Converter converter(document);
        auto value = converter.convert(YAML::Load(whole), "", 0);
        if (!value) return fail(document.placed(value.error()));
        document.value = std::move(*value);
        return document;
    } catch (const YAML::Exception& exception) {
        return fail(yamlError(exception));
    }
}

Result<Application> applicationFromYaml(std::string_view text) {
    const YamlDocument document = TRY(parseYaml(text));
    auto application = applicationFromJson(document.value);
    if (application) return application;
    Error error = document.placed(application.error());
    if (error.code == ErrorCode::InvalidInput) error.code = ErrorCode::InvalidDefinition;
    if (error.hint.empty()) error.hint = "`swing app schema` prints what a definition may contain";
    return fail(error);
}

}  // namespace swb
