#include "lab/http.h"

#include <gtest/gtest.h>

namespace swb::lab {
namespace {

TEST(Http, headsOfAnswers) {
    const auto created = parseReplyHead("HTTP/1.1 201 Created\r\nContent-Length: 12\r\nX: y\r\n\r\n");
    ASSERT_TRUE(created);
    EXPECT_EQ(created->reply.status, 201);
    EXPECT_EQ(created->bodyBytes, 12u);
    EXPECT_TRUE(created->reply.keepAlive);
    EXPECT_FALSE(created->reply.maintenance);

    const auto page = parseReplyHead(
        "HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\nSwingbridge-Maintenance: page\r\nConnection: "
        "close\r\n\r\n");
    ASSERT_TRUE(page);
    EXPECT_TRUE(page->reply.maintenance);
    EXPECT_FALSE(page->reply.keepAlive);
}

TEST(Http, answersThatAreNotTakenForOnes) {
    for (const char* head :
         {"", "HTTP/1.1\r\n\r\n", "HTTP/1.1 2xx OK\r\nContent-Length: 1\r\n\r\n", "HTTP/1.1 200 OK\r\n\r\n",
          "HTTP/1.1 200 OK\r\nContent-Length: 1x\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n",
          "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "SSH-2.0-OpenSSH_9\r\n\r\n"})
        EXPECT_FALSE(parseReplyHead(head)) << head;
}

TEST(Http, requestsHaveALengthOnlyWithABody) {
    EXPECT_EQ(requestText("GET", "/x", "h"), "GET /x HTTP/1.1\r\nHost: h\r\n\r\n");
    EXPECT_EQ(requestText("POST", "/", "h", "{}"),
              "POST / HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}");
}

TEST(Http, nobodyListeningIsRefused) {
    HttpConnection connection;
    const auto reply = connection.request("127.0.0.1:1", requestText("GET", "/", "h"), 1000);
    ASSERT_FALSE(reply);
    EXPECT_EQ(reply.error(), HttpFailure::refused);
    EXPECT_TRUE(connection.peer().empty());
}

}  // namespace
}  // namespace swb::lab
