// What is seen of the publications: for readiness, for the API, and by a look of its own.
#include "dispatch/publication_job.h"

namespace swb::dispatch {

std::vector<plan::PublicationView> Publications::views(const Group& group) const {
    const Lock lock(mutex_);
    std::vector<plan::PublicationView> out;
    for (const Publication& publication : group.publications) {
        plan::PublicationView view;
        view.key = publication.key();
        view.provider = std::string(nameOf(publication.provider));
        view.type = publication.type;
        view.standing = "none";
        if (const auto found = jobs_.find(idOf(group.name, publication)); found != jobs_.end()) {
            const Job& job = *found->second;
            view.standing = std::string(publication::nameOf(job.record.standing));
            view.detail = job.refusal.empty() ? job.record.detail : job.refusal;
            view.hint = job.refusal.empty() ? job.record.hint : job.refusalHint;
            view.checkedAt = job.checkedAt;
            view.problem = job.problem;
            view.problemHint = job.problemHint;
            view.requestsLeft = job.requestsLeft;
        }
        out.push_back(std::move(view));
    }
    return out;
}

Json Publications::describe(const Group& group, const Publication& publication) const {
    Json out = toJson(publication);
    JsonObject& object = out.as_object();
    object["group"] = group.name;
    object["standing"] = "none";
    const Lock lock(mutex_);
    const auto found = jobs_.find(idOf(group.name, publication));
    if (found == jobs_.end()) return out;
    const Job& job = *found->second;
    object["standing"] = publication::nameOf(job.record.standing);
    object["standingAt"] = job.record.standingAt ? Json(isoTime(job.record.standingAt)) : Json(nullptr);
    object["detail"] = job.refusal.empty() ? job.record.detail : job.refusal;
    object["hint"] = job.refusal.empty() ? job.record.hint : job.refusalHint;
    object["wanted"] = job.record.wanted ? publication::toJson(job.record.wanted->set) : Json(nullptr);
    object["epoch"] = job.record.wanted ? Json(job.record.wanted->epoch) : Json(nullptr);
    object["answers"] = job.survey ? publication::toJson(*job.survey) : Json(JsonArray{});
    object["checkedAt"] = job.checkedAt ? Json(isoTime(job.checkedAt)) : Json(nullptr);
    object["resolvers"] = job.resolvers ? publication::toJson(*job.resolvers) : Json(JsonArray{});
    object["writtenAt"] = job.record.writtenAt ? Json(isoTime(job.record.writtenAt)) : Json(nullptr);
    object["writeProblem"] = job.record.writeProblem;
    object["problem"] = job.problem;
    object["problemHint"] = job.problemHint;
    object["requestsLeft"] = job.requestsLeft < 0 ? Json(nullptr) : Json(job.requestsLeft);
    return out;
}

Result<Json> Publications::look(const Group& group, const std::string& key) const {
    const Publication* publication = findPublication(group, key);
    if (!publication) return fail(ErrorCode::NotFound, group.name + " has no publication " + key);
    Json out = describe(group, *publication);
    JsonObject& object = out.as_object();
    const auto provider = providerFor(*publication);
    const auto reading = provider ? (*provider)->read() : Result<publication::Reading>(fail(provider.error()));
    object["reading"] = nullptr;
    if (reading)
        object["reading"] =
            JsonObject{{"set", reading->set ? publication::toJson(*reading->set) : Json(nullptr)},
                       {"mark", reading->mark ? Json(JsonObject{{"group", reading->mark->group},
                                                                {"epoch", reading->mark->epoch},
                                                                {"ours", reading->mark->group == group.id}})
                                              : Json(nullptr)},
                       {"strange", reading->strange}};
    object["problem"] = reading ? reading->strange : reading.error().message;
    object["problemHint"] = reading ? "" : reading.error().hint;
    object["checkedAt"] = isoTime(clock_.now());
    const auto servers = findNameServers(*publication, surveySettings());
    object["answers"] = JsonArray{};
    object["answersProblem"] = servers ? "" : servers.error().message;
    if (servers) object["answers"] = publication::toJson(surveyServers(*servers, *publication, surveySettings()));
    object["resolvers"] = publication::toJson(surveyResolvers(*publication, surveySettings()));
    return out;
}

}  // namespace swb::dispatch
