package aws

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/org/imagebuild-action/planner"
)

// wholeList is how many pages are read of a list of which all matters.
const wholeList = 1000

// Stock says what this program has made in a region and what points to it, as far as the options
// need to know: where they select nothing, nobody is asked what might use it.
//
// Tags come from the Resource Groups Tagging API, which answers for all kinds at once, and from lists
// where these have them. Either may lag some minutes behind.
func (c *Clients) Stock(ctx context.Context, region string, kinds []*planner.Kind, o planner.CollectOptions) (*planner.Stock, error) {
	account, _, err := c.Identity(ctx)
	if err != nil {
		return nil, err
	}
	k := &stocktaker{clients: c, region: region, stock: &planner.Stock{Region: region, Account: account}, options: o}
	if err := k.tags(ctx); err != nil {
		return nil, fmt.Errorf("asking for the tags of what was made: %w", err)
	}
	if err := k.lists(ctx, kinds); err != nil {
		return nil, fmt.Errorf("listing what was made: %w", err)
	}
	if err := k.appstream(ctx, kinds); err != nil {
		return nil, fmt.Errorf("listing what was made in AppStream: %w", err)
	}
	var selected []*planner.Held
	for _, h := range k.stock.Held {
		if o.Selects(h) {
			selected = append(selected, h)
		}
	}
	if len(selected) == 0 {
		return k.stock, nil
	}
	if err := k.recipes(ctx, selected); err != nil {
		return nil, fmt.Errorf("reading recipes: %w", err)
	}
	for _, kind := range kinds {
		if kind.Naming != planner.ContentKey {
			continue
		}
		if err := k.files(ctx, selected, kind); err != nil {
			return nil, fmt.Errorf("reading which files components need: %w", err)
		}
	}
	if err := errors.Join(k.thoseThere(ctx, selected), k.leftAMIs(ctx, selected)); err != nil {
		return nil, fmt.Errorf("asking for AMIs: %w", err)
	}
	if o.Retention() { // which are the newest depends on AMIs that are there
		if err := k.makings(ctx); err != nil {
			return nil, fmt.Errorf("reading images: %w", err)
		}
	}
	if err := k.pointers(ctx, selected); err != nil {
		return nil, fmt.Errorf("asking what points to AMIs: %w", err)
	}
	return k.stock, nil
}

// A stocktaker carries one Stock.
type stocktaker struct {
	clients *Clients
	region  string
	stock   *planner.Stock
	options planner.CollectOptions
	tagged  map[string]map[string]string // by ARN

	mu      sync.Mutex
	recipe  map[string]*planner.Held // recipes of ours by ARN
	foreign map[string]object        // recipes of others by ARN
}

// tags asks which resources carry the tag that all of ours do.
func (k *stocktaker) tags(ctx context.Context) error {
	k.tagged = map[string]map[string]string{}
	in := object{
		"ResourceTypeFilters": []string{"imagebuilder", "appstream"}, "ResourcesPerPage": 100,
		"TagFilters": []any{object{"Key": planner.TagAddress}},
	}
	for range wholeList {
		out, err := k.clients.answer(ctx, "tagging:GetResources", k.region, in)
		if err != nil {
			return err
		}
		for _, r := range list(out, "ResourceTagMappingList") {
			tags := map[string]string{}
			for _, t := range list(r, "Tags") {
				if strings.HasPrefix(text(t, "Key"), "imagebuild:") {
					tags[text(t, "Key")] = text(t, "Value")
				}
			}
			k.tagged[text(r, "ResourceARN")] = tags
		}
		if in["PaginationToken"] = text(out, "PaginationToken"); in["PaginationToken"] == "" {
			return nil
		}
	}
	return nil
}

// lists reads the lists of all kinds: what is ours goes into the stock, and what is not and may point
// to it among its users.
func (k *stocktaker) lists(ctx context.Context, kinds []*planner.Kind) error {
	k.stock.Distributions = map[string][]string{}
	k.recipe, k.foreign = map[string]*planner.Held{}, map[string]object{}
	work, ctx := errgroup.WithContext(ctx)
	for _, kind := range kinds {
		r, ok := resources[kind.Read]
		if !ok {
			continue
		}
		work.Go(func() error {
			_, err := k.clients.pages(ctx, query{r.list, k.region, nil, r.items, wholeList}, func(item object) bool {
				k.take(kind, item)
				return true
			})
			return err
		})
	}
	return work.Wait()
}

// take sorts one listed thing in.
func (k *stocktaker) take(kind *planner.Kind, item object) {
	k.mu.Lock()
	defer k.mu.Unlock()
	arn := text(item, "arn")
	tags := ownTags(item)
	if known, ok := k.tagged[arn]; ok {
		tags = known
	}
	uses := append(usesOf(item), distributionOf(tags)...)
	if kind.Read == getDistribution {
		regions := []string{}
		for _, r := range rows(item, "regions") {
			regions = append(regions, fmt.Sprint(r))
		}
		k.stock.Distributions[arn] = regions
	}
	if tags[planner.TagAddress] == "" || kind.Pointer != "" {
		if strings.HasSuffix(string(kind.Read), "Recipe") {
			k.foreign[arn] = item
		}
		k.stock.Users = append(k.stock.Users, planner.User{Name: strings.ReplaceAll(kind.Name, "_", " ") + " " + text(item, "name"), Uses: uses})
		return
	}
	h := &planner.Held{Kind: kind, ARN: arn, Tags: tags, Uses: uses, State: stateOf(item)}
	for _, member := range []string{"dateCreated", "dateUpdated"} { // what has the one lacks the other
		if at, err := time.Parse(time.RFC3339Nano, text(item, member)); err == nil && h.Created.IsZero() {
			h.Created = at
		}
	}
	if kind.Read == "imagebuilder:GetImage" {
		k.outputs(h, item)
	} else {
		h.State = ""
	}
	if strings.HasSuffix(string(kind.Read), "Recipe") {
		k.recipe[arn] = h
	}
	k.stock.Held = append(k.stock.Held, h)
}

// usesOf are the ARNs and AMIs that a recipe, a pipeline or an image names.
func usesOf(item object) []string {
	var uses []string
	add := func(s string) {
		if s != "" {
			uses = append(uses, s)
		}
	}
	for _, member := range []string{"parentImage", "imageRecipeArn", "containerRecipeArn", "infrastructureConfigurationArn", "distributionConfigurationArn"} {
		add(text(item, member))
	}
	for _, member := range []string{"infrastructureConfiguration", "distributionConfiguration"} {
		add(text(sub(item, member), "arn"))
	}
	for _, c := range list(item, "components") {
		add(text(c, "componentArn"))
	}
	for _, w := range list(item, "workflows") {
		add(text(w, "workflowArn"))
	}
	return uses
}

// outputs are what an image consists of.
func (k *stocktaker) outputs(h *planner.Held, image object) {
	var others []string
	for _, a := range list(sub(image, "outputResources"), "amis") {
		if id := text(a, "image"); text(a, "accountId") != k.stock.Account {
			others = append(others, id+" in account "+text(a, "accountId"))
		} else if id != "" {
			h.AMIs = append(h.AMIs, planner.AMI{Region: text(a, "region"), ID: id})
		}
	}
	for _, c := range list(sub(image, "outputResources"), "containers") {
		uris, _ := c["imageUris"].([]any)
		for _, uri := range uris {
			others = append(others, fmt.Sprint(uri))
		}
	}
	if len(others) > 0 {
		h.Stays = "these stay, since they are not this account's or not AMIs: " + strings.Join(others, ", ")
	}
}

// recipes reads what components recipes have, which lists do not tell, where components are selected.
func (k *stocktaker) recipes(ctx context.Context, selected []*planner.Held) error {
	if !slices.ContainsFunc(selected, func(h *planner.Held) bool { return strings.Contains(h.ARN, ":component/") }) {
		return nil
	}
	work, ctx := errgroup.WithContext(ctx)
	work.SetLimit(abreast)
	read := func(arn string, use func(recipe object)) {
		work.Go(func() error {
			op := planner.Op("imagebuilder:GetImageRecipe")
			if strings.Contains(arn, ":container-recipe/") {
				op = "imagebuilder:GetContainerRecipe"
			}
			recipe, err := k.clients.get(ctx, op, k.region, arn)
			if err == nil && recipe != nil {
				k.mu.Lock()
				defer k.mu.Unlock()
				use(recipe)
			}
			return err
		})
	}
	for arn, h := range k.recipe {
		read(arn, func(recipe object) { h.Uses = usesOf(recipe) })
	}
	for arn, item := range k.foreign {
		read(arn, func(recipe object) {
			k.stock.Users = append(k.stock.Users, planner.User{Name: "image recipe " + text(item, "name"), Uses: usesOf(recipe)})
		})
	}
	return work.Wait()
}

// makings reads what the newest images were made with, so that it stays with them.
func (k *stocktaker) makings(ctx context.Context) error {
	work, ctx := errgroup.WithContext(ctx)
	work.SetLimit(abreast)
	for _, h := range planner.Newest(k.stock, k.options) {
		work.Go(func() error {
			image, err := k.clients.get(ctx, "imagebuilder:GetImage", k.region, h.ARN)
			if err == nil {
				if h.Tags[planner.TagDistribution] != "" { // it says how the image is distributed now
					delete(image, "distributionConfiguration")
				}
				h.Uses = append(h.Uses, usesOf(image)...)
			}
			return err
		})
	}
	return work.Wait()
}

const getDistribution planner.Op = "imagebuilder:GetDistributionConfiguration"

// distributionOf is the distribution configuration that the tags of an image refer to.
func distributionOf(tags map[string]string) []string {
	if by := tags[planner.TagDistribution]; strings.HasPrefix(by, "arn:") {
		return []string{by}
	}
	return nil
}
